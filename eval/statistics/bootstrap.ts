/**
 * Bootstrap intervals of a mean and of a paired difference of means.
 *
 * Samples are resampled whole, so two methods that saw the same noise are
 * compared on the same noise. If a search ran with several seeds, the seeds are
 * resampled too, independently of the samples, which all seeds share (Owen 2007,
 * "The pigeonhole bootstrap"). Deviations are widened to Student's distribution,
 * because resamples of few values vary too little (Hesterberg,
 * The American Statistician 2015), and bounds are corrected for bias and
 * skewness (BCa; Efron and Tibshirani 1993, section 14.3).
 */
import {
  normalQuantile,
  normalShare,
  studentQuantile,
} from "./distributions.ts";

/** A mean over `n` samples, and its interval if there are enough samples. */
export interface Interval {
  mean: number;
  low?: number;
  high?: number;
  n: number;
}

/** The fewest samples with which a mean has an interval, and a difference a mark. */
export const leastSamples = 20;

/** The settings of the resampling; equal settings give equal intervals. */
export interface BootstrapOptions {
  /** The number of resamples; 2000 by default. */
  resamples?: number;
  /** The share of means inside the interval; 0.95 by default. */
  confidence?: number;
  /** The seed of the resampling, an unsigned 32-bit integer; 0 by default. */
  seed?: number;
}

/**
 * The mean of `values` with its bootstrap interval; fewer values than
 * {@linkcode leastSamples} have no interval.
 *
 * @param values One finite value for each sample, `[n]`.
 * @throws {RangeError} If there is no value, or one is not finite.
 *
 * @example
 * ```ts
 * import { assert, assertEquals } from "@std/assert";
 * import { meanInterval } from "@dip-go/eval";
 *
 * const values = Array.from({ length: 20 }, (_, i) => 30 + i % 4);
 * const { mean, low, high } = meanInterval(values);
 * assert(low! < mean && mean < high!);
 * assertEquals(meanInterval([30, 32]), { mean: 31, n: 2 });
 * ```
 */
export const meanInterval = (
  values: readonly number[],
  options: BootstrapOptions = {},
): Interval => pooledInterval([values], options);

/**
 * The mean over search seeds and samples with its two-level bootstrap interval.
 *
 * @param values `[S, n]`: for each seed, one finite value for each sample, in the same order.
 * @throws {RangeError} If seeds differ in the number of samples, or as {@linkcode meanInterval}.
 *
 * @example Seeds that disagree widen the interval
 * ```ts
 * import { assert } from "@std/assert";
 * import { pooledInterval } from "@dip-go/eval/statistics";
 *
 * const values = Array.from({ length: 20 }, (_, i) => 30 + i % 4);
 * const other = values.map((value) => value + 2);
 * const alike = pooledInterval([values, values]);
 * assert(pooledInterval([values, other]).high! - 1 > alike.high!);
 * ```
 */
export function pooledInterval(
  values: readonly (readonly number[])[],
  { resamples = 2000, confidence = 0.95, seed = 0 }: BootstrapOptions = {},
): Interval {
  values.forEach(checkFinite);
  const [{ length: n }] = values;
  if (values.some(({ length }) => length !== n)) {
    throw new RangeError(
      `Cannot pool seeds: found ${
        values.map(({ length }) => length)
      } samples, expected equal counts`,
    );
  }
  const ofSample = values[0].map((_, i) => meanOf(values.map((of) => of[i])));
  const mean = meanOf(ofSample);
  if (n < leastSamples) return { mean, n };
  const tail = (1 - confidence) / 2;
  const levels = [ofSample, values.map(meanOf)]
    .filter(({ length }) => length > 1)
    .map((means) => widened(means, { mean, tail }));
  const uniform = splitMix32(seed);
  const shifts = Float64Array.from({ length: resamples }, () => {
    let sum = 0;
    for (const level of levels) sum += resampled(level, uniform);
    return sum;
  }).sort();
  const [low, high] = [tail, 1 - tail].map((share) =>
    mean + quantile(shifts, correctedShare(share, shifts, levels.flat()))
  );
  return { mean, low, high, n };
}

/** The contributions of a level's values to the mean's deviation, scaled so that resamples spread like Student's t. */
function widened(
  means: readonly number[],
  { mean, tail }: { readonly mean: number; readonly tail: number },
): number[] {
  const { length } = means;
  const student = studentQuantile(1 - tail, length - 1) /
    normalQuantile(1 - tail);
  const factor = Math.sqrt(length / (length - 1)) * student / length;
  return means.map((value) => factor * (value - mean));
}

/** The sum of n random draws, with replacement, from a level's n values. */
function resampled(level: readonly number[], uniform: () => number): number {
  let sum = 0;
  for (let i = 0; i < level.length; i++) {
    sum += level[Math.floor(uniform() * level.length)];
  }
  return sum;
}

/** The share of the sorted resamples at which a bound lies, corrected for bias and skewness. */
function correctedShare(
  share: number,
  sorted: Float64Array,
  influences: readonly number[],
): number {
  const variance = influences.reduce((sum, d) => sum + d * d, 0);
  if (variance === 0) return share;
  const below = sorted.filter((shift) => shift < 0).length;
  const equal = sorted.filter((shift) => shift === 0).length;
  const bias = normalQuantile((below + equal / 2) / sorted.length);
  const skewness = influences.reduce((sum, d) => sum + d ** 3, 0) /
    (6 * variance ** 1.5);
  const z = bias + normalQuantile(share);
  return normalShare(bias + z / (1 - skewness * z));
}

/**
 * The mean of a − b over pairs with its bootstrap interval; the difference is
 * significant if the interval leaves out 0.
 *
 * @param a One finite value for each sample, `[n]`.
 * @param b Values of the same samples in the same order, `[n]`.
 * @throws {RangeError} If the lengths differ, or as {@linkcode meanInterval}.
 *
 * @example The same gain on every sample has no spread
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { pairedDifference } from "@dip-go/eval";
 *
 * const a = Array.from({ length: 20 }, (_, i) => i);
 * const b = a.map((value) => value - 2);
 * assertEquals(pairedDifference(a, b), { mean: 2, low: 2, high: 2, n: 20 });
 * ```
 */
export function pairedDifference(
  a: readonly number[],
  b: readonly number[],
  options: BootstrapOptions = {},
): Interval {
  if (a.length !== b.length) {
    throw new RangeError(
      `Cannot pair samples: found ${a.length} and ${b.length} values, expected equal counts`,
    );
  }
  return meanInterval(a.map((value, i) => value - b[i]), options);
}

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * A uniform generator on [0, 1): SplitMix (Steele, Lea and Flood, 2014) on 32
 * bits, a Weyl sequence through a multiply-xorshift finaliser.
 */
export function splitMix32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** Interpolates linearly between order statistics, as `numpy.quantile` does. */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.ceil(position);
  return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
}

function checkFinite(values: readonly number[]): void {
  if (values.length === 0) {
    throw new RangeError(
      "Cannot bootstrap: found 0 values, expected at least 1",
    );
  }
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at !== -1) {
    throw new RangeError(
      `Cannot bootstrap: value ${at} is ${
        values[at]
      }, expected a finite number`,
    );
  }
}
