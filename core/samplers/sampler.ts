/**
 * A sampler as data. Each step's next latents are a linear combination of
 * latents and predictions, the step's own and earlier ones, with coefficients
 * computed beforehand in float64; bounds on the predicted clean sample are the
 * exception. The model, guidance and gates are not part of a sampler.
 */
import type { Combination, NoiseLevel } from "./schedule/prediction.ts";
import type { SchedulerConfig } from "./schedule/scheduler_config.ts";

/** Bounds of the predicted clean sample. */
export interface Bounds {
  /** The sample is clipped to ±`limit`. */
  readonly limit: number;
  /**
   * Dynamic thresholding (Imagen, arXiv 2205.11487, section 2.3): each picture
   * is clipped to ± this quantile of its |clean|, but to at least 1 and at most
   * `limit`, and divided by it. It is not piecewise linear: SubNets refuse it.
   */
  readonly quantile?: number;
}

/**
 * Bounds as a step applies them: it adds factor · (bounded − clean) to the next
 * latents. With a quantile, later steps read the prediction that corresponds to
 * the bounded sample; with a limit alone, no later step reads the prediction.
 */
export interface Clip extends Bounds {
  readonly clean: Combination;
  readonly factor: number;
}

/**
 * The bounds that a config asks for.
 *
 * @param clips Whether the class clips if the config is silent; undefined if the class cannot clip.
 * @param thresholds Whether the class supports thresholding.
 */
export function boundsConfig(
  config: SchedulerConfig,
  { clips, thresholds }: {
    readonly clips?: boolean;
    readonly thresholds: boolean;
  },
): Bounds | undefined {
  if (thresholds && config.boolean("thresholding")) {
    return {
      limit: config.positive("sample_max_value") ?? 1,
      quantile: config.fraction("dynamic_thresholding_ratio") ?? 0.995,
    };
  }
  if (clips === undefined) return undefined;
  const limit = config.positive("clip_sample_range") ?? 1;
  return config.boolean("clip_sample") ?? clips ? { limit } : undefined;
}

/** One model call and the step after it. */
export interface SamplerStep {
  /** The model's timestep: a training timestep, or a value between two of them. */
  readonly timestep: number;
  /** The model's input is this factor times the latents. */
  readonly inputScale: number;
  /** Coefficients of latents in the next latents: this step's, then those of earlier steps. */
  readonly latents: readonly number[];
  /** Coefficients of predictions in the next latents, in the same order. */
  readonly predictions: readonly number[];
  /** Coefficient of fresh standard normal noise. */
  readonly noise: number;
  readonly clip?: Clip;
}

/** The `clip` of a step, if there are bounds. */
export const clipOf = (
  bounds: Bounds | undefined,
  clip: Omit<Clip, keyof Bounds>,
): Pick<SamplerStep, "clip"> =>
  bounds === undefined ? {} : { clip: { ...clip, ...bounds } };

/** A step that reads the latents and the prediction of its own call alone. */
export const ownStep = (
  { timestep }: Pick<NoiseLevel, "timestep">,
  { x, prediction }: Combination,
  rest: Partial<Pick<SamplerStep, "noise" | "clip">> = {},
): SamplerStep => ({
  timestep,
  inputScale: 1,
  latents: [x],
  predictions: [prediction],
  noise: 0,
  ...rest,
});

/** A sampler bound to a number of steps. */
export interface Sampler {
  /** The sampler's short name, as in `gates.json`: "ddim". */
  readonly name: string;
  /** The factor on standard normal noise that makes the first latents. */
  readonly initNoiseSigma: number;
  /** Factors on a clean picture and on standard normal noise that make the first latents of image-to-image. */
  readonly noised: { readonly clean: number; readonly noise: number };
  /** The steps, one for each model call, in sampling order. */
  readonly steps: readonly SamplerStep[];
  /** The largest number of earlier steps that a step reads. */
  readonly memory: number;
}

/** Whether a sampler adds noise at its steps, so that its pictures do not follow from their starts alone. */
export const addsNoise = ({ steps }: Pick<Sampler, "steps">): boolean =>
  steps.some(({ noise }) => noise !== 0);

/**
 * Makes a sampler of steps.
 *
 * @param level The first step's level, which says how a picture and noise are mixed.
 * @throws {RangeError} If a coefficient is not finite, as it would be in diffusers too.
 */
export function samplerOf(
  { name, initNoiseSigma = 1, level: { signal, noise }, steps }:
    & Pick<Sampler, "name" | "steps">
    & Partial<Pick<Sampler, "initNoiseSigma">>
    & { readonly level: Pick<NoiseLevel, "signal" | "noise"> },
): Sampler {
  for (const [i, step] of steps.entries()) {
    const { latents, predictions, noise, timestep, inputScale } = step;
    const numbers = [...latents, ...predictions, noise, timestep, inputScale];
    if (numbers.every(Number.isFinite)) continue;
    throw new RangeError(
      `Cannot make ${name}: step ${i} at timestep ${timestep} has coefficients [${latents}], [${predictions}] and ${noise}, expected finite ones; another number of steps, final_sigmas_type or lower_order_final may help`,
    );
  }
  const reach = steps.map(({ latents, predictions }) =>
    Math.max(latents.length, predictions.length) - 1
  );
  const noised = { clean: signal, noise };
  return { name, initNoiseSigma, noised, steps, memory: Math.max(...reach) };
}
