/** Euler's method on the probability flow ODE in sigma (arXiv 2206.00364, Algorithm 1), as diffusers' `EulerDiscreteScheduler` steps it without churn. */
import { interpret, levelOfSigma } from "../schedule/prediction.ts";
import { type Sampler, samplerOf, type SamplerStep } from "../sampler.ts";
import type { SchedulerConfig } from "../schedule/scheduler_config.ts";
import {
  finalSigma,
  hasKarrasSigmas,
  karrasSigmas,
  sigmaOfTimestep,
  timestepOfSigma,
  trainingSigmas,
} from "../schedule/sigmas.ts";
import { evenTimesteps, spacedTimesteps } from "../schedule/timesteps.ts";

/** A model call: its timestep, fractional where sigmas lie between two, and its sigma. */
interface Call {
  readonly timestep: number;
  readonly sigma: number;
}

/**
 * Euler at T noise levels. Its latents are clean + sigma · noise; the model
 * sees them scaled to unit variance.
 *
 * @throws {TypeError} If the config asks for sigmas or timesteps that are not supported.
 * @throws {RangeError} If the steps are out of range.
 */
export function makeEuler(
  config: SchedulerConfig,
  { steps }: { readonly steps: number },
): Sampler {
  refuseUnsupported(config);
  const training = trainingSigmas(config);
  const calls = callsOf(config, { steps, training });
  const last = finalSigma(config, training);
  const most = Math.max(...calls.map(({ sigma }) => sigma));
  return samplerOf({
    name: "euler",
    initNoiseSigma: startsAtLast(config) ? most : Math.sqrt(most ** 2 + 1),
    steps: calls.map((call, i) =>
      eulerStep(config, call, calls[i + 1]?.sigma ?? last)
    ),
  });
}

/** x' = x + (x − clean) / sigma · (sigma' − sigma). */
function eulerStep(
  { predictionType }: SchedulerConfig,
  { timestep, sigma }: Call,
  next: number,
): SamplerStep {
  const level = levelOfSigma(sigma, timestep);
  const { clean } = interpret(predictionType, level);
  const kept = next / sigma;
  return {
    timestep,
    inputScale: level.signal,
    latents: [kept + (1 - kept) * clean.x * level.signal], // the adapter's x is the model's input
    predictions: [(1 - kept) * clean.prediction],
    noise: 0,
  };
}

const defaultSpacing = "linspace";

/** Whether the spacing reaches the noisiest timestep, so that the first latents are almost all noise. */
function startsAtLast({ timestepSpacing = defaultSpacing }: SchedulerConfig) {
  return timestepSpacing !== "leading";
}

function callsOf(
  config: SchedulerConfig,
  { steps, training }: {
    readonly steps: number;
    readonly training: Float64Array;
  },
): Call[] {
  const calls = timestepsOf(config, steps).map((timestep) => ({
    timestep,
    sigma: sigmaOfTimestep(training, timestep),
  }));
  if (!hasKarrasSigmas(config, "Euler")) return calls;
  const max = config.sigmaMax ?? calls[0].sigma;
  const min = config.sigmaMin ?? calls[calls.length - 1].sigma;
  return karrasSigmas(steps, { min, max }).map((sigma) => ({
    timestep: timestepOfSigma(training, sigma),
    sigma,
  }));
}

/** Unlike other samplers', linspace timesteps are not rounded to whole ones. */
function timestepsOf(
  { timestepSpacing = defaultSpacing, numTrainTimesteps, stepsOffset }:
    SchedulerConfig,
  steps: number,
): number[] {
  if (timestepSpacing === "linspace") {
    return evenTimesteps(steps, numTrainTimesteps).map(Math.fround);
  }
  const spacing = timestepSpacing;
  return spacedTimesteps(steps, { spacing, numTrainTimesteps, stepsOffset });
}

function refuseUnsupported(
  { interpolationType, timestepType }: SchedulerConfig,
): void {
  if (interpolationType !== "linear") {
    throw new TypeError(
      `Cannot make Euler: interpolation_type is ${interpolationType}, expected linear`,
    );
  }
  if (timestepType !== "discrete") {
    throw new TypeError(
      `Cannot make Euler: timestep_type is ${timestepType}, expected discrete`,
    );
  }
}
