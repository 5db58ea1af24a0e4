/**
 * A sampler as data. Each step's next latents are a linear combination of
 * latents and predictions, its own and those of the last few steps, with
 * coefficients worked out beforehand in float64; clipping is the exception.
 * The model, guidance and gates live outside of it.
 */
import type { Combination } from "./schedule/prediction.ts";

/** Clipping of the predicted clean sample: adds factor · (clip(clean) − clean) to the next latents. */
export interface Clip {
  readonly clean: Combination;
  readonly factor: number;
  /** Clips to ±`limit`. */
  readonly limit: number;
}

/** One model call and the step after it. */
export interface SamplerStep {
  /** The model's t: a training timestep, or between two of them. */
  readonly timestep: number;
  /** The model's input is this factor times the latents. */
  readonly inputScale: number;
  /** Coefficients of latents in the next ones: this step's, then those of the steps before it. */
  readonly latents: readonly number[];
  /** Coefficients of predictions, likewise. */
  readonly predictions: readonly number[];
  /** Coefficient of fresh standard normal noise. */
  readonly noise: number;
  readonly clip?: Clip;
}

/** The `clip` of a step, where there is a limit. */
export const clipOf = (
  limit: number | undefined,
  clip: Omit<Clip, "limit">,
): Pick<SamplerStep, "clip"> =>
  limit === undefined ? {} : { clip: { ...clip, limit } };

/** One sampler bound to a number of steps. */
export interface Sampler {
  /** Its short name, as in `gates.json`: "ddim". */
  readonly name: string;
  /** The factor on standard normal noise that makes the first latents. */
  readonly initNoiseSigma: number;
  /** One a model call, in sampling order. */
  readonly steps: readonly SamplerStep[];
  /** How many earlier steps a step reads at most. */
  readonly memory: number;
}

/** A sampler of these steps. */
export function samplerOf(
  { name, initNoiseSigma = 1, steps }: {
    readonly name: string;
    readonly initNoiseSigma?: number;
    readonly steps: readonly SamplerStep[];
  },
): Sampler {
  const reach = steps.map(({ latents, predictions }) =>
    Math.max(latents.length, predictions.length) - 1
  );
  return { name, initNoiseSigma, steps, memory: Math.max(...reach) };
}
