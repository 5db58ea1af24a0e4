/** The training timesteps that a sampler visits: diffusers' three spacings (arXiv 2305.08891, Table 2), or a list. */
import { roundHalfEven } from "../../tensor/rounding.ts";
import type { SchedulerConfig } from "./scheduler_config.ts";

const spacings = ["leading", "linspace", "trailing"] as const;

/** A way to pick T of the training timesteps. */
export type TimestepSpacing = typeof spacings[number];

/** Reads the keys of a class that spaces timesteps. @param byDefault The class's own spacing. */
export const spacingConfig = (
  config: SchedulerConfig,
  byDefault: TimestepSpacing,
) => ({
  timestepSpacing: config.oneOf("timestep_spacing", spacings) ?? byDefault,
  /** The offset of every timestep in leading spacing. */
  stepsOffset: config.integer("steps_offset", 0) ?? 0,
});

/** A spacing, and the number of training timesteps. */
export interface SpacingOptions extends ReturnType<typeof spacingConfig> {
  readonly numTrainTimesteps: number;
}

/** The steps of a sampler, by exactly one of `steps`, `timesteps`, `sigmas`; a class reads the other options it knows. */
export interface StepOptions {
  /** The number of steps T, spaced as the config says. PNDM calls the model more often; Heun and KDPM2 twice a step. */
  readonly steps?: number;
  /** Training timesteps, strictly descending, for a class that takes them. */
  readonly timesteps?: readonly number[];
  /** Strictly descending sigmas up to the last step's end; in flow matching unshifted, and without the end, 0. */
  readonly sigmas?: readonly number[];
  /** The noise of DDIM and TCD, 0 (the default) to 1; other samplers have no such choice. */
  readonly eta?: number;
  /** Steps of the solver that a consistency model was distilled from, instead of the config's. */
  readonly originalInferenceSteps?: number;
  /** The part of that solver's timesteps, in (0, 1], in which an LCM starts; all of them by default. */
  readonly strength?: number;
  /** The number of tokens of a picture's latents, by which flow matching may shift its sigmas. */
  readonly tokens?: number;
  /** The default `max_shift` of dynamic shifting, in the classes that are not flow matching's own. */
  readonly mostShift?: number;
  /** The number of steps at the start that are left out, as image-to-image does. */
  readonly begin?: number;
}

/**
 * T whole timesteps in sampling order. Offsets may lead past the last training
 * timestep.
 *
 * @param options.last The noisiest timestep plus 1; the number of training timesteps by default.
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
 * The asked timesteps, for schedulers that look their levels up by timestep.
 *
 * @throws As {@linkcode chosenTimesteps}, and a `RangeError` if the offset leads past the last training timestep.
 */
export function trainingTimesteps(
  options: StepOptions,
  config: SpacingOptions,
): readonly number[] {
  // Rounding may make one more step, at timestep −1, which no table has.
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

/** NumPy's `arange(from, 0, -stride)`, whose stride is the first difference, as float64 rounds it. */
function steppedDown(from: number, stride: number): number[] {
  const first = from - stride - from;
  return Array.from(
    { length: Math.ceil(from / stride) },
    (_, k) => from + k * first,
  );
}

/**
 * T evenly spaced fractional timesteps, from the training's last to its first.
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

/** @throws {RangeError} If `steps` is not an integer from 1 to `most`. */
export function checkStepCount(steps: number, most: number): void {
  if (Number.isInteger(steps) && steps >= 1 && steps <= most) return;
  throw new RangeError(
    `Cannot space timesteps: steps is ${steps}, expected an integer from 1 to ${most}`,
  );
}

/** @throws {RangeError} If timesteps are not a non-empty, strictly descending subset of the training's. */
function checkTimesteps(
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
 * The asked timesteps: a list, or spaced ones for a number of steps.
 *
 * @param spaced Makes the timesteps for a number of steps.
 * @throws {RangeError} If a list is not of strictly descending training timesteps.
 * @throws {TypeError} If timesteps contradict a spacing of sigmas.
 */
export function chosenTimesteps(
  { steps, timesteps }: StepOptions,
  { numTrainTimesteps, spacing }: Pick<SpacingOptions, "numTrainTimesteps"> & {
    readonly spacing?: string;
  },
  spaced: (steps: number) => number[],
): readonly number[] {
  if (!timesteps) return spaced(steps!);
  if (spacing) {
    throw new TypeError(
      `Cannot use timesteps: the scheduler config has ${spacing}, which places the sigmas itself; expected no such key`,
    );
  }
  checkTimesteps(timesteps, numTrainTimesteps);
  return timesteps;
}
