/**
 * Exponential integration of the diffusion ODE and SDE in
 * lambda = log(signal / noise): DPM-Solver (arXiv 2206.00927) integrates the
 * predicted noise, DPM-Solver++ (arXiv 2211.01095) the predicted clean sample,
 * and the SDE forms (appendix B of the latter) add noise.
 */
import type { PredictionType } from "../../schedule/noise_config.ts";
import {
  type Combination,
  interpret,
  type NoiseLevel,
} from "../../schedule/prediction.ts";

/** The values of `algorithm_type`. */
export const algorithms = [
  "dpmsolver",
  "dpmsolver++",
  "sde-dpmsolver",
  "sde-dpmsolver++",
] as const;

/** A form of the integral. */
export type Algorithm = typeof algorithms[number];

/** Half the log signal-to-noise ratio. */
export const lambdaOf = ({ signal, noise }: NoiseLevel): number =>
  Math.log(signal / noise);

/**
 * The next latents are kept · x − gain · Σ φₙ Dₙ + noise · fresh noise, with Dₙ
 * the n-th derivative of the integrand by lambda, times hⁿ.
 */
export interface Integrator {
  readonly kept: number;
  readonly gain: number;
  readonly noise: number;
  /** The step in lambda. */
  readonly h: number;
  /** The multiple of `h` that φ is made of. */
  readonly exponent: number;
}

/** Makes the integrator from one level to another. */
export function integrator(
  algorithm: Algorithm,
  { from, to }: { readonly from: NoiseLevel; readonly to: NoiseLevel },
): Integrator {
  const h = lambdaOf(to) - lambdaOf(from);
  const ofClean = { kept: to.noise / from.noise, gain: to.signal, noise: 0, h };
  const ofNoise = {
    kept: to.signal / from.signal,
    gain: to.noise,
    noise: 0,
    h,
  };
  switch (algorithm) {
    case "dpmsolver++":
      return { ...ofClean, exponent: h };
    case "dpmsolver":
      return { ...ofNoise, exponent: -h };
    case "sde-dpmsolver++":
      return {
        ...ofClean,
        kept: ofClean.kept * Math.exp(-h),
        noise: to.noise * Math.sqrt(-Math.expm1(-2 * h)),
        exponent: 2 * h,
      };
    case "sde-dpmsolver":
      return {
        ...ofNoise,
        gain: 2 * to.noise,
        noise: to.noise * Math.sqrt(Math.expm1(2 * h)),
        exponent: -h,
      };
  }
}

/** φ₀, φ₁ and φ₂, the integrals of λⁿ e^−λ over a step: e^−h − 1 and so on. @param isMidpoint Whether φ₁ is the midpoint rule's, φ₀ / 2. */
export function phis(
  { exponent: h }: Integrator,
  { algorithm, isMidpoint }: {
    readonly algorithm: Algorithm;
    readonly isMidpoint: boolean;
  },
): readonly [number, number, number] {
  const phi = Math.expm1(-h);
  // diffusers gives this half the other sign, in the SDE form alone.
  const half = algorithm === "sde-dpmsolver++" ? -1 / 2 : 1 / 2;
  return [
    phi,
    isMidpoint ? phi / 2 : -(phi / h + 1),
    (phi + h) / h ** 2 - half,
  ];
}

/** The quantity that a solver integrates, from one call of the model. */
export interface Integrand {
  /** The integrand as a combination of the latents and the prediction. */
  readonly value: Combination;
  readonly clean: Combination;
  /** The derivative of the integrand by the clean sample. */
  readonly share: number;
}

/** The clean sample or the noise in a call's latents. */
export function integrandAt(
  { predictionType, ofClean }: {
    readonly predictionType: PredictionType;
    readonly ofClean: boolean;
  },
  level: NoiseLevel,
): Integrand {
  const { clean, epsilon } = interpret(predictionType, level);
  return ofClean
    ? { value: clean, clean, share: 1 }
    : { value: epsilon, clean, share: -level.signal / level.noise };
}

/** Whether the algorithm integrates the clean sample. */
export const integratesClean = (algorithm: Algorithm): boolean =>
  algorithm.endsWith("++");
