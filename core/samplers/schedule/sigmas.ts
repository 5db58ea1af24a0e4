/**
 * Noise levels as sigma = noise / signal, which DPM-Solver and Euler step
 * through: those of the training's timesteps, and Karras' spacing of them.
 */
import { makeNoiseSchedule, type NoiseConfig } from "./noise_schedule.ts";
import type { SchedulerConfig } from "./scheduler_config.ts";

/** Keys that ask for sigmas spaced otherwise than the timesteps or after Karras. */
const otherSpacings = [
  "use_lu_lambdas",
  "use_exponential_sigmas",
  "use_beta_sigmas",
  "use_flow_sigmas",
];

/**
 * Where sigmas lie: `hasKarrasSigmas`, or along the timesteps; and where the last step ends.
 *
 * @throws {TypeError} If the config asks for another spacing.
 */
export function sigmasConfig(config: SchedulerConfig) {
  const hasKarrasSigmas = config.boolean("use_karras_sigmas") ?? false;
  const other = otherSpacings.find((key) => config.boolean(key));
  if (other && !hasKarrasSigmas) {
    config.refuse(other, "false (only use_karras_sigmas is supported)");
  }
  const ends = ["zero", "sigma_min"] as const;
  const finalSigmas = config.oneOf("final_sigmas_type", ends) ?? "zero";
  return { hasKarrasSigmas, finalSigmas };
}

/** The first sigma of a schedule that ends in pure noise must not be infinite: diffusers' stand-in for alpha 0. */
const leastAlpha = 2 ** -24;

/** sqrt((1 − a) / a) of each training timestep, ascending. */
export function trainingSigmas(config: NoiseConfig): Float64Array {
  const { alphasCumprod } = makeNoiseSchedule(config);
  return Float64Array.from(alphasCumprod, (alpha) => {
    const a = alpha === 0 ? leastAlpha : alpha;
    return Math.sqrt((1 - a) / a);
  });
}

/** The sigma at a timestep, linear between two. */
export function sigmaOfTimestep(
  sigmas: Float64Array,
  timestep: number,
): number {
  const low = Math.min(Math.floor(timestep), sigmas.length - 2);
  const weight = timestep - low;
  return sigmas[low] + weight * (sigmas[low + 1] - sigmas[low]);
}

/** The timestep of a sigma, fractional, linear in log sigma; the first or last beyond the ends. */
export function timestepOfSigma(sigmas: Float64Array, sigma: number): number {
  const above = sigmas.findIndex((each) => each > sigma);
  const high = above === -1 ? sigmas.length - 1 : Math.max(above, 1);
  const [a, b] = [Math.log(sigmas[high - 1]), Math.log(sigmas[high])];
  const weight = (Math.log(sigma) - a) / (b - a);
  return high - 1 + Math.max(0, Math.min(1, weight));
}

/** T sigmas from `max` down to `min`, Eq. 5 of Karras et al. (arXiv 2206.00364) with rho 7. */
export function karrasSigmas(
  steps: number,
  { min, max }: { readonly min: number; readonly max: number },
): number[] {
  const rho = 7;
  const [first, last] = [max ** (1 / rho), min ** (1 / rho)];
  const stride = steps === 1 ? 0 : (last - first) / (steps - 1);
  return Array.from({ length: steps }, (_, i) => (first + i * stride) ** rho);
}

/** Where the last step ends: no noise, or the least of the training. */
export function finalSigma(
  { finalSigmas }: ReturnType<typeof sigmasConfig>,
  sigmas: Float64Array,
): number {
  return finalSigmas === "zero" ? 0 : sigmas[0];
}
