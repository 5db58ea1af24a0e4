/**
 * What the schedulers after k-diffusion share: latents are clean + sigma · noise,
 * the model sees them scaled to unit variance, and the probability flow is
 * dx/dsigma = (x − clean) / sigma (arXiv 2206.00364, Eq. 1 and 4).
 */
import {
  type NoiseClass,
  type NoiseConfig,
  noiseConfig,
  type PredictionType,
} from "../../schedule/noise_config.ts";
import {
  type Combination,
  interpret,
  levelOfSigma,
} from "../../schedule/prediction.ts";
import { type Sampler, samplerOf, type SamplerStep } from "../../sampler.ts";
import type { SchedulerConfig } from "../../schedule/scheduler_config.ts";
import {
  type Call,
  sigmaOfTimestep,
  sigmasConfig,
  type SigmaSpacing,
  sigmaSpacings,
  timestepOfSigma,
  type TrainingSigmas,
} from "../../schedule/sigmas.ts";
import {
  checkStepCount,
  chosenTimesteps,
  evenTimesteps,
  spacedTimesteps,
  spacingConfig,
  type SpacingOptions,
  type StepOptions,
} from "../../schedule/timesteps.ts";

/** The keys of these classes. @param known Spacings of sigmas that the class has. */
export const sigmaClassConfig = (
  config: SchedulerConfig,
  { known, ...noise }: NoiseClass & {
    readonly known?: readonly SigmaSpacing[];
  },
) => ({
  ...noiseConfig(config, noise),
  ...spacingConfig(config, "linspace"),
  ...sigmasConfig(config, known),
});

/** Where the calls lie. */
export type SigmaConfig =
  & NoiseConfig
  & SpacingOptions
  & ReturnType<typeof sigmasConfig>;

/**
 * The calls of a scheduler that makes one at each sigma.
 *
 * @throws {RangeError} If the steps are out of range.
 * @throws {TypeError} If timesteps are given beside a spacing of sigmas.
 */
export function sigmaCalls(
  config: SigmaConfig,
  options: StepOptions,
  training: TrainingSigmas,
): Call[] {
  const calls = timestepCalls(config, options, training);
  const [max, min] = [calls[0].sigma, calls[calls.length - 1].sigma];
  return spacedCalls(config, { max, min, options, training }) ?? calls;
}

/** The calls at the timesteps. @throws As {@linkcode sigmaCalls}. */
export function timestepCalls(
  config: SigmaConfig,
  options: StepOptions,
  training: TrainingSigmas,
): Call[] {
  const timesteps = chosenTimesteps(
    options,
    config,
    (steps) => unroundedTimesteps(steps, config),
  );
  return timesteps.map((timestep) => ({
    timestep: Math.fround(timestep),
    sigma: Math.fround(sigmaOfTimestep(training, timestep)),
  }));
}

/** Others round the timesteps of linspace. */
function unroundedTimesteps(steps: number, config: SigmaConfig): number[] {
  const { timestepSpacing, numTrainTimesteps } = config;
  if (timestepSpacing !== "linspace") return spacedTimesteps(steps, config);
  checkStepCount(steps, numTrainTimesteps);
  return evenTimesteps(steps, numTrainTimesteps);
}

/** T calls spaced in sigma as the config asks, where it does. @param ends Where the config has none. */
export function spacedCalls(
  { spacing, sigmaMin, sigmaMax }: SigmaConfig,
  { options: { steps }, training, ...ends }: {
    readonly min: number;
    readonly max: number;
    readonly options: StepOptions;
    readonly training: TrainingSigmas;
  },
): Call[] | undefined {
  if (!spacing || steps === undefined) return undefined;
  const [min, max] = [sigmaMin ?? ends.min, sigmaMax ?? ends.max];
  return sigmaSpacings[spacing](steps, { min, max })
    .map((sigma) => callAt(training, sigma));
}

/** The call at a sigma. */
export const callAt = (training: TrainingSigmas, sigma: number): Call => ({
  timestep: Math.fround(timestepOfSigma(training, sigma)),
  sigma: Math.fround(sigma),
});

/** Calls of a sampler, and what each step leads to. */
interface Course {
  readonly name: string;
  readonly calls: readonly Call[];
  /** Where the last step ends; without noise by default. */
  readonly last?: number;
  /** How many of the calls are left out at the start. */
  readonly begin?: number;
  /**
   * The steps from the k-th call that is made, in most samplers one.
   *
   * @param to The sigma of the next call, or `last`.
   */
  stepsFrom(call: Call, k: number, to: number): SamplerStep | SamplerStep[];
}

/** A sampler of these classes. Its first noise is scaled by the largest sigma: where spacing reaches the noisiest timestep, the first latents are almost all noise. */
export function sigmaSampler(
  { timestepSpacing }: Pick<SigmaConfig, "timestepSpacing">,
  { name, calls, last = 0, begin = 0, stepsFrom }: Course,
): Sampler {
  const sigmas = [...calls.map(({ sigma }) => sigma), last];
  const most = Math.max(...sigmas);
  return samplerOf({
    name,
    initNoiseSigma: timestepSpacing === "leading" ? Math.hypot(most, 1) : most,
    level: { signal: 1, noise: sigmas[begin] },
    steps: calls.slice(begin)
      .flatMap((call, k) => stepsFrom(call, k, sigmas[begin + k + 1])),
  });
}

/** What the model's input and prediction at sigma stand for. */
export interface Reading {
  readonly inputScale: number;
  /** The clean sample, of the latents before they are scaled. */
  readonly clean: Combination;
  /** dx/dsigma of these latents. */
  readonly slope: Combination;
}

/** Reads a prediction at a sigma above 0. */
export function readingAt(
  kind: PredictionType,
  { sigma, timestep }: Call,
): Reading {
  const level = levelOfSigma(sigma, timestep);
  const { clean: scaled } = interpret(kind, level);
  const clean = { ...scaled, x: scaled.x * level.signal };
  const slope = {
    x: (1 - clean.x) / sigma,
    prediction: -clean.prediction / sigma,
  };
  return { inputScale: level.signal, clean, slope };
}
