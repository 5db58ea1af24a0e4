/** Which training timesteps a sampler visits, by diffusers' three spacings (arXiv 2305.08891, Table 2). */
import type { TimestepSpacing } from "./scheduler_config.ts";

/** Where `spacedTimesteps` picks from. */
export interface SpacingOptions {
  readonly timestepSpacing: TimestepSpacing;
  readonly numTrainTimesteps: number;
  /** Added to every timestep of leading spacing. */
  readonly stepsOffset: number;
}

/**
 * T timesteps in sampling order.
 *
 * @throws {RangeError} If `steps` is not an integer from 1 to the number of training timesteps, or the offset leads past the last of them.
 */
export function spacedTimesteps(
  steps: number,
  { timestepSpacing, numTrainTimesteps, stepsOffset }: SpacingOptions,
): number[] {
  const even = evenTimesteps(steps, numTrainTimesteps);
  const timestepAt = {
    leading: (k: number) =>
      (steps - 1 - k) * Math.floor(numTrainTimesteps / steps) + stepsOffset,
    linspace: (k: number) => roundHalfEven(even[k]),
    trailing: (k: number) =>
      roundHalfEven(numTrainTimesteps - k * (numTrainTimesteps / steps)) - 1,
  }[timestepSpacing];
  const timesteps = even.map((_, k) => timestepAt(k));
  checkTimesteps(timesteps, numTrainTimesteps);
  return timesteps;
}

/**
 * T evenly spaced timesteps in sampling order, the last and the first of the training among them; fractional.
 *
 * @throws {RangeError} If `steps` is not an integer from 1 to the number of training timesteps.
 */
export function evenTimesteps(
  steps: number,
  numTrainTimesteps: number,
): number[] {
  checkStepCount(steps, numTrainTimesteps);
  const stride = steps === 1 ? 0 : (numTrainTimesteps - 1) / (steps - 1);
  return Array.from({ length: steps }, (_, k) => (steps - 1 - k) * stride);
}

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

/** NumPy's rounding: halves go to the even neighbour. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const isHalf = value - floor === 0.5;
  return isHalf ? floor + Math.abs(floor % 2) : Math.round(value);
}
