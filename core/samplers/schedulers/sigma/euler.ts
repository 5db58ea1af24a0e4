/** Euler's method on the probability flow ODE in sigma (arXiv 2206.00364, Algorithm 1), as diffusers' `EulerDiscreteScheduler` steps it without churn. */
import { interpret, levelOfSigma } from "../../schedule/prediction.ts";
import { type Sampler, samplerOf, type SamplerStep } from "../../sampler.ts";
import { noiseConfig } from "../../schedule/noise_schedule.ts";
import type { SchedulerConfig } from "../../schedule/scheduler_config.ts";
import {
  finalSigma,
  karrasSigmas,
  sigmaOfTimestep,
  sigmasConfig,
  timestepOfSigma,
  trainingSigmas,
} from "../../schedule/sigmas.ts";
import { evenTimesteps, spacedTimesteps } from "../../schedule/timesteps.ts";

/** The config of `EulerDiscreteScheduler`. @throws As {@linkcode noiseConfig}, and if it asks for sigmas or timesteps that are not supported. */
export function eulerConfig(config: SchedulerConfig) {
  config.requireOneOf("interpolation_type", [undefined, null, "linear"]);
  config.requireOneOf("timestep_type", [undefined, null, "discrete"]);
  return {
    ...noiseConfig(config),
    ...config.timesteps("linspace"),
    ...sigmasConfig(config),
    /** Ends of the Karras spacing, in place of the timesteps' own. */
    sigmaMin: config.positive("sigma_min"),
    sigmaMax: config.positive("sigma_max"),
  };
}

type EulerConfig = ReturnType<typeof eulerConfig>;

/** A model call: its timestep, fractional where sigmas lie between two, and its sigma. */
interface Call {
  readonly timestep: number;
  readonly sigma: number;
}

/**
 * Euler at T noise levels. Its latents are clean + sigma · noise; the model
 * sees them scaled to unit variance.
 *
 * @throws {RangeError} If the steps are out of range.
 */
export function makeEuler(
  config: EulerConfig,
  { steps }: { readonly steps: number },
): Sampler {
  const training = trainingSigmas(config);
  const calls = callsOf(config, { steps, training });
  const last = finalSigma(config, training);
  const most = Math.max(...calls.map(({ sigma }) => sigma));
  return samplerOf({
    name: "euler",
    // Where the spacing reaches the noisiest timestep, the first latents are almost all noise.
    initNoiseSigma: config.timestepSpacing === "leading"
      ? Math.sqrt(most ** 2 + 1)
      : most,
    steps: calls.map((call, i) =>
      eulerStep(config, call, calls[i + 1]?.sigma ?? last)
    ),
  });
}

/** x' = x + (x − clean) / sigma · (sigma' − sigma). */
function eulerStep(
  { predictionType }: EulerConfig,
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

function callsOf(
  config: EulerConfig,
  { steps, training }: {
    readonly steps: number;
    readonly training: Float64Array;
  },
): Call[] {
  const calls = timestepsOf(config, steps).map((timestep) => ({
    timestep,
    sigma: sigmaOfTimestep(training, timestep),
  }));
  if (!config.hasKarrasSigmas) return calls;
  const max = config.sigmaMax ?? calls[0].sigma;
  const min = config.sigmaMin ?? calls[calls.length - 1].sigma;
  return karrasSigmas(steps, { min, max }).map((sigma) => ({
    timestep: timestepOfSigma(training, sigma),
    sigma,
  }));
}

/** Unlike other samplers', linspace timesteps are not rounded to whole ones. */
function timestepsOf(config: EulerConfig, steps: number): number[] {
  return config.timestepSpacing === "linspace"
    ? evenTimesteps(steps, config.numTrainTimesteps).map(Math.fround)
    : spacedTimesteps(steps, config);
}
