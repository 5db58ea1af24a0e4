/**
 * The clean sample and the noise in a model's input, from its prediction. Every
 * sampler uses this module, so that none depends on the kind of prediction.
 */
import type { PredictionType } from "./noise_config.ts";
import type { NoiseSchedule } from "./noise_schedule.ts";

/** The level of x = signal · clean + noise · epsilon: signal² + noise² = 1, in flow matching signal + noise = 1. */
export interface NoiseLevel {
  readonly timestep: number;
  readonly signal: number;
  readonly noise: number;
}

/** Coefficients of x and of the model's prediction. */
export interface Combination {
  readonly x: number;
  readonly prediction: number;
}

/** The level of a training timestep. @throws {RangeError} If there is no such timestep. */
export function levelAt(
  { alphasCumprod }: NoiseSchedule,
  timestep: number,
): NoiseLevel {
  const alpha = alphasCumprod[timestep];
  if (alpha !== undefined) return levelOfAlpha(alpha, timestep);
  throw new RangeError(
    `Cannot find the noise level of timestep ${timestep}: expected an integer from 0 to ${
      alphasCumprod.length - 1
    }`,
  );
}

/** The level of a cumulative product of alphas. */
export function levelOfAlpha(alpha: number, timestep: number): NoiseLevel {
  return { timestep, signal: Math.sqrt(alpha), noise: Math.sqrt(1 - alpha) };
}

/** The level at a timestep; a negative timestep is the end of sampling, with `finalAlpha`. */
export function levelAfter(
  schedule: NoiseSchedule,
  timestep: number,
  finalAlpha: number,
): NoiseLevel {
  return timestep >= 0
    ? levelAt(schedule, timestep)
    : levelOfAlpha(finalAlpha, timestep);
}

/** The level of sigma = noise / signal. */
export function levelOfSigma(sigma: number, timestep: number): NoiseLevel {
  const signal = 1 / Math.sqrt(sigma * sigma + 1);
  return { timestep, signal, noise: sigma * signal };
}

/** The level of flow matching's sigma, in float32. */
export const levelOfFlow = (sigma: number, timestep: number): NoiseLevel => ({
  timestep,
  signal: Math.fround(1 - sigma),
  noise: sigma,
});

/**
 * The clean sample and the noise (epsilon) that a prediction implies.
 *
 * @throws {RangeError} If the prediction does not determine the clean sample: epsilon at a level of pure noise.
 */
export function interpret(
  kind: PredictionType,
  { timestep, signal, noise }: NoiseLevel,
): { clean: Combination; epsilon: Combination } {
  const prediction = { x: 0, prediction: 1 };
  switch (kind) {
    case "epsilon":
      if (signal === 0) {
        throw new RangeError(
          `Cannot use an epsilon prediction: timestep ${timestep} is pure noise, which it cannot leave; expected another prediction_type or no rescale_betas_zero_snr`,
        );
      }
      return {
        clean: { x: 1 / signal, prediction: -noise / signal },
        epsilon: prediction,
      };
    case "sample":
      return {
        clean: prediction,
        epsilon: { x: 1 / noise, prediction: -signal / noise },
      };
    case "v_prediction":
      return {
        clean: { x: signal, prediction: -noise },
        epsilon: { x: noise, prediction: signal },
      };
    case "flow_prediction":
      return {
        clean: { x: 1, prediction: -noise },
        epsilon: { x: 1, prediction: signal },
      };
  }
}

/** a · first + b · second. */
export function mix(
  [a, first]: readonly [number, Combination],
  [b, second]: readonly [number, Combination],
): Combination {
  return {
    x: a * first.x + b * second.x,
    prediction: a * first.prediction + b * second.prediction,
  };
}
