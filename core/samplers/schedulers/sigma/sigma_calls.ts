/**
 * The shared parts of k-diffusion's schedulers: latents are clean + sigma ·
 * noise, the model reads them scaled to unit variance, and the probability flow
 * is dx/dsigma = (x − clean) / sigma (arXiv 2206.00364, Eq. 1 and 4).
 */
import { latentsOf, ofCall, stepOf, sum } from "../../linear.ts";
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
  trainingSigmas,
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

/** Reads the keys of a k-diffusion scheduler. @param known The spacings of sigmas that the class supports. */
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

/** The keys that place the calls. */
export type SigmaConfig =
  & NoiseConfig
  & SpacingOptions
  & ReturnType<typeof sigmasConfig>;

/**
 * The calls of a scheduler with one call at each sigma.
 *
 * @throws {RangeError} If the steps are out of range.
 * @throws {TypeError} If timesteps are given beside a spacing of sigmas.
 */
export function sigmaCalls(
  config: SigmaConfig,
  options: StepOptions,
): Call[] {
  const training = trainingSigmas(config);
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

/** Timesteps for a number of steps; linspace is not rounded here, as it is in other classes. */
function unroundedTimesteps(steps: number, config: SigmaConfig): number[] {
  const { timestepSpacing, numTrainTimesteps } = config;
  if (timestepSpacing !== "linspace") return spacedTimesteps(steps, config);
  checkStepCount(steps, numTrainTimesteps);
  return evenTimesteps(steps, numTrainTimesteps);
}

/** T calls spaced in sigma, if the config asks for that. @param ends The defaults of the config's ends. */
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

/** A sampler's calls, and the steps after each. */
interface Course {
  readonly name: string;
  /** All calls, also those left out at the start; {@linkcode sigmaCalls} by default. */
  readonly calls?: readonly Call[];
  /** The sigma at which the last step ends; 0 by default. */
  readonly last?: number;
  /**
   * Makes the steps after the k-th call that is made; one in most samplers.
   *
   * @param to The sigma of the next call, or `last`.
   */
  stepsFrom(call: Call, k: number, to: number): SamplerStep | SamplerStep[];
}

/** Makes a sampler. Initial noise is scaled by the largest sigma σ; in leading spacing, not all noise, by √(σ² + 1). */
export function sigmaSampler(
  config: SigmaConfig,
  options: StepOptions,
  { name, calls = sigmaCalls(config, options), last = 0, stepsFrom }: Course,
): Sampler {
  const { begin = 0 } = options;
  const sigmas = [...calls.map(({ sigma }) => sigma), last];
  const most = Math.max(...sigmas);
  return samplerOf({
    name,
    initNoiseSigma: config.timestepSpacing === "leading"
      ? Math.hypot(most, 1)
      : most,
    level: { signal: 1, noise: sigmas[begin] },
    steps: calls.slice(begin)
      .flatMap((call, k) => stepsFrom(call, k, sigmas[begin + k + 1])),
  });
}

/** The model's input and prediction at a sigma, interpreted. */
export interface Reading {
  readonly inputScale: number;
  /** The clean sample, from the latents before scaling. */
  readonly clean: Combination;
  /** dx/dsigma, from the latents before scaling. */
  readonly slope: Combination;
}

/** Interprets a prediction at a sigma above 0. */
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

/** The timestep of a network that reads log(sigma) / 4. */
export const quarterLog = (sigma: number): number =>
  Math.fround(Math.log(sigma) / 4);

/** Euler's step of call i, x' = x + (to − sigma) dx/dsigma, and fresh noise if there is any. */
export function eulerStep(
  i: number,
  { kind, call, to, noise }: {
    readonly kind: PredictionType;
    readonly call: Call;
    readonly to: number;
    readonly noise?: number;
  },
): SamplerStep {
  const { timestep, sigma } = call;
  const { slope, inputScale } = readingAt(kind, call);
  const next = sum([1, latentsOf(i)], [to - sigma, ofCall(i, slope)]);
  return stepOf(i, { timestep, inputScale, next, noise });
}
