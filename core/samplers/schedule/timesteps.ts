/** Which training timesteps a sampler visits, by diffusers' three spacings (arXiv 2305.08891, Table 2) or by a list. */
import { roundHalfEven } from "../../tensor/rounding.ts";
import type { SchedulerConfig } from "./scheduler_config.ts";

const spacings = ["leading", "linspace", "trailing"] as const;

/** How T timesteps are picked among those of the training. */
export type TimestepSpacing = typeof spacings[number];

/** The keys of a class that spaces timesteps. @param byDefault The class's own spacing. */
export const spacingConfig = (
  config: SchedulerConfig,
  byDefault: TimestepSpacing,
) => ({
  timestepSpacing: config.oneOf("timestep_spacing", spacings) ?? byDefault,
  /** Added to every timestep of leading spacing. */
  stepsOffset: config.integer("steps_offset", 0) ?? 0,
});

/** Where `spacedTimesteps` picks from. */
export interface SpacingOptions extends ReturnType<typeof spacingConfig> {
  readonly numTrainTimesteps: number;
}

/** How a sampler is made of a config: exactly one of `steps`, `timesteps` and `sigmas` says where its steps lie. A class reads what it knows of the rest. */
export interface StepOptions {
  /** How many, T, spaced as the config says. PNDM calls the model more often; Heun and KDPM2 twice a step. */
  readonly steps?: number;
  /** Timesteps of the training, strictly descending, where the class takes them. */
  readonly timesteps?: readonly number[];
  /** Sigmas, strictly descending, the last one where the last step ends; of flow matching before they are shifted, its last step ends at 0. */
  readonly sigmas?: readonly number[];
  /** Noise of DDIM and TCD, 0 to 1, none by default; others have no such choice. */
  readonly eta?: number;
  /** Steps of the solver that a consistency model was distilled from, in place of the config's. */
  readonly originalInferenceSteps?: number;
  /** The part of that solver's timesteps, in (0, 1], that a consistency model starts in; all of them by default. */
  readonly strength?: number;
  /** Tokens of a picture's latents, by which flow matching may shift its levels. */
  readonly tokens?: number;
  /** How far dynamic shifting moves levels at most, where the config of a class beside flow matching's own does not say. */
  readonly mostShift?: number;
  /** How many steps at the start are left out, as image-to-image does. */
  readonly begin?: number;
}

/**
 * T whole timesteps in sampling order. Offsets may lead past the last of the
 * training.
 *
 * @param options.last One more than the noisiest; the number of training timesteps by default.
 * @throws {RangeError} If `steps` is not an integer from 1 to the number of training timesteps.
 */
export function spacedTimesteps(
  steps: number,
  { timestepSpacing, numTrainTimesteps, stepsOffset, last }: SpacingOptions & {
    readonly last?: number;
  },
): number[] {
  checkStepCount(steps, numTrainTimesteps);
  const most = last ?? numTrainTimesteps;
  switch (timestepSpacing) {
    case "leading": {
      const stride = Math.floor(most / steps);
      return descending(steps, (k) => k * stride + stepsOffset);
    }
    case "linspace":
      return evenTimesteps(steps, most).map(roundHalfEven);
    case "trailing":
      return steppedDown(most, numTrainTimesteps / steps)
        .map((t) => roundHalfEven(t) - 1);
  }
}

/**
 * The timesteps that were asked for, of schedulers that look their levels up by
 * timestep.
 *
 * @throws As {@linkcode chosenTimesteps}, and a `RangeError` if the offset leads past the last training timestep.
 */
export function trainingTimesteps(
  options: StepOptions,
  config: SpacingOptions,
): readonly number[] {
  // Rounding may leave one step more, at timestep −1, which no table has.
  const timesteps = chosenTimesteps(
    options,
    config,
    (steps) => spacedTimesteps(steps, config).filter((t) => t >= 0),
  );
  const { numTrainTimesteps, stepsOffset } = config;
  if (timesteps[0] < numTrainTimesteps) return timesteps;
  throw new RangeError(
    `Cannot space timesteps: timesteps[0] is ${
      timesteps[0]
    }, expected an integer from 0 to ${
      numTrainTimesteps - 1
    }; fewer steps leave room for steps_offset ${stepsOffset}`,
  );
}

/** NumPy's `arange(from, 0, -stride)`, whose values go by the first difference as float64 rounds it. */
function steppedDown(from: number, stride: number): number[] {
  const first = from - stride - from;
  return Array.from(
    { length: Math.ceil(from / stride) },
    (_, k) => from + k * first,
  );
}

/**
 * T evenly spaced timesteps in sampling order, the last and the first of the training among them; fractional.
 *
 * @throws {RangeError} If `steps` is not positive.
 */
export function evenTimesteps(
  steps: number,
  numTrainTimesteps: number,
): number[] {
  const stride = steps === 1 ? 0 : (numTrainTimesteps - 1) / (steps - 1);
  return descending(steps, (k) => k * stride);
}

const descending = (steps: number, at: (k: number) => number): number[] =>
  Array.from({ length: steps }, (_, k) => at(steps - 1 - k));

/**
 * Checks a number of steps.
 *
 * @throws {RangeError} If it is not an integer from 1 to `most`.
 */
export function checkStepCount(steps: number, most: number): void {
  if (Number.isInteger(steps) && steps >= 1 && steps <= most) return;
  throw new RangeError(
    `Cannot space timesteps: steps is ${steps}, expected an integer from 1 to ${most}`,
  );
}

/**
 * Checks that timesteps are a non-empty, strictly descending subset of the training's.
 *
 * @throws {RangeError} If they are not.
 */
export function checkTimesteps(
  timesteps: readonly number[],
  numTrainTimesteps: number,
) {
  if (timesteps.length === 0) {
    throw new RangeError("Cannot use timesteps: found none, expected some");
  }
  for (const [k, timestep] of timesteps.entries()) {
    const limit = k === 0 ? numTrainTimesteps : timesteps[k - 1];
    if (!Number.isInteger(timestep) || timestep < 0 || timestep >= limit) {
      throw new RangeError(
        `Cannot use timesteps: timesteps[${k}] is ${timestep}, expected an integer from 0 to ${
          limit - 1
        }`,
      );
    }
  }
}

/**
 * The timesteps that were asked for.
 *
 * @param spaced Those of a number of steps.
 * @throws {RangeError} If a list is no strictly descending one of training timesteps.
 * @throws {TypeError} If not exactly one of `steps` and `timesteps` is given, or timesteps contradict a spacing of sigmas.
 */
export function chosenTimesteps(
  { steps, timesteps }: StepOptions,
  { numTrainTimesteps, spacing }: Pick<SpacingOptions, "numTrainTimesteps"> & {
    readonly spacing?: string;
  },
  spaced: (steps: number) => number[],
): readonly number[] {
  if (timesteps && spacing) {
    throw new TypeError(
      `Cannot use timesteps: the scheduler config has ${spacing}, which places the sigmas itself; expected no such key`,
    );
  }
  if (timesteps && steps === undefined) {
    checkTimesteps(timesteps, numTrainTimesteps);
    return timesteps;
  }
  if (steps === undefined || timesteps) {
    throw new TypeError(
      "Cannot space timesteps: expected exactly one of steps and timesteps",
    );
  }
  return spaced(steps);
}
