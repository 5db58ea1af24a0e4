/**
 * Noise levels as sigma = noise / signal: the sigmas of the training timesteps,
 * and spacings that do not depend on timesteps. In float32 where diffusers
 * rounds so: whether a timestep is truncated to 998 or 999 depends on it.
 */
import { betaQuantile } from "./beta_quantile.ts";
import type { NoiseConfig } from "./noise_config.ts";
import { makeNoiseSchedule } from "./noise_schedule.ts";
import type { SchedulerConfig } from "./scheduler_config.ts";

/** Sigmas of the training timesteps, ascending, and their logarithms. */
export interface TrainingSigmas {
  readonly sigmas: Float32Array;
  readonly logs: Float32Array;
}

/** A model call: its timestep, fractional if its sigma is between two timesteps' sigmas, and its sigma. */
export interface Call {
  readonly timestep: number;
  readonly sigma: number;
}

/** The last alpha of a schedule that ends in pure noise, as in diffusers, so that the first sigma is finite. */
const leastAlpha = 2 ** -24;

/** The sigmas sqrt((1 − a) / a) of the training timesteps. */
export function trainingSigmas(config: NoiseConfig): TrainingSigmas {
  const { alphasCumprod } = makeNoiseSchedule(config);
  const sigmas = alphasCumprod.map((alpha, t) => {
    const isLast = config.rescaleBetasZeroSnr && t === alphasCumprod.length - 1;
    const a = isLast ? leastAlpha : alpha;
    return Math.sqrt(Math.fround(Math.fround(1 - a) / a));
  });
  return { sigmas, logs: sigmas.map(Math.log) };
}

/** The sigma at a timestep, linear between two training timesteps, constant beyond the ends. */
export function sigmaOfTimestep(
  { sigmas }: TrainingSigmas,
  timestep: number,
): number {
  const t = Math.max(0, Math.min(timestep, sigmas.length - 1));
  const low = Math.max(0, Math.min(Math.floor(t), sigmas.length - 2));
  return t === low
    ? sigmas[low]
    : sigmas[low] + (t - low) * (sigmas[low + 1] - sigmas[low]);
}

/** The timestep of a sigma, fractional, linear in log sigma, constant beyond the ends. */
export function timestepOfSigma(
  { logs }: TrainingSigmas,
  sigma: number,
): number {
  const log = Math.log(Math.max(sigma, 1e-10));
  const below = logs.findLastIndex((each) => each <= log);
  const low = Math.max(0, Math.min(below, logs.length - 2));
  const weight = (logs[low] - log) / (logs[low] - logs[low + 1]);
  const w = Math.max(0, Math.min(1, weight));
  return (1 - w) * low + w * (low + 1);
}

/** Makes T sigmas from `max` down to `min`. */
type Spacing = (
  steps: number,
  ends: { readonly min: number; readonly max: number; readonly rho?: number },
) => number[];

/** T evenly spaced numbers from `first` to `last`, both included. */
export const evenly = (
  steps: number,
  first: number,
  last: number,
): number[] => {
  const stride = steps === 1 ? 0 : (last - first) / (steps - 1);
  return Array.from(
    { length: steps },
    (_, i) => i > 0 && i === steps - 1 ? last : first + i * stride,
  );
};

/** Spacings by the key that asks for each, in the order in which diffusers checks the keys. */
export const sigmaSpacings = {
  /** Eq. 5 of Karras et al. (arXiv 2206.00364). */
  use_karras_sigmas: (steps, { min, max, rho = 7 }) => {
    const [first, last] = [max ** (1 / rho), min ** (1 / rho)];
    return evenly(steps, 0, 1)
      .map((ramp) => (first + ramp * (last - first)) ** rho);
  },
  /** Uniform in lambda = −log sigma (Lu et al., arXiv 2206.00927, section 3.4), between float32 logarithms. */
  use_lu_lambdas: (steps, { min, max }) =>
    evenly(steps, Math.fround(Math.log(max)), Math.fround(Math.log(min)))
      .map(Math.exp),
  use_exponential_sigmas: (steps, { min, max }) =>
    evenly(steps, Math.log(max), Math.log(min)).map(Math.exp),
  /** Quantiles of Beta(0.6, 0.6) (arXiv 2407.12173). */
  use_beta_sigmas: (steps, { min, max }) =>
    evenly(steps, 0, 1)
      .map((ramp) => min + betaQuantile(1 - ramp, 0.6) * (max - min)),
} as const satisfies Readonly<Record<string, Spacing>>;

/** The key that asks for a spacing of sigmas. */
export type SigmaSpacing = keyof typeof sigmaSpacings;

/** Every such key. */
export const spacingKeys = Object.keys(
  sigmaSpacings,
) as readonly SigmaSpacing[];

/**
 * Reads the keys of sigmas: one of {@linkcode sigmaSpacings}, or the timesteps.
 *
 * @param known The spacings that the class supports.
 * @throws {TypeError} If the config asks for several spacings.
 */
export function sigmasConfig(
  config: SchedulerConfig,
  known: readonly SigmaSpacing[] = spacingKeys
    .filter((key) => key !== "use_lu_lambdas"),
) {
  const asked = known.filter((key) => config.boolean(key));
  // Lu's spacing may be asked for beside another.
  const [first, other] = asked.filter((key) => key !== "use_lu_lambdas");
  if (other) config.refuse(other, `false beside ${first}`);
  return {
    spacing: asked.at(0),
    /** Ends of the spacing, instead of the timesteps' own. */
    sigmaMin: config.optionalPositive("sigma_min"),
    sigmaMax: config.optionalPositive("sigma_max"),
  };
}

/** The end of the last step: without noise, or at the training's least sigma. */
export const finalSigmasConfig = (config: SchedulerConfig) =>
  config.oneOf("final_sigmas_type", ["zero", "sigma_min"]) ?? "zero";
