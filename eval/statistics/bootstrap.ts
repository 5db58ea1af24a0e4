/**
 * Percentile bootstrap intervals of a mean and of a paired difference of means
 * (Efron and Tibshirani, 1993, chapter 13). Resampling draws whole samples, so
 * two methods that saw the same noise are compared on the same noise.
 */

/** A mean and its percentile interval over `n` samples. */
export interface Interval {
  mean: number;
  low: number;
  high: number;
  n: number;
}

/** How to resample. Every value has a default; equal options give equal intervals. */
export interface BootstrapOptions {
  /** Resamples; 2000 unless told. */
  resamples?: number;
  /** Share of resampled means inside the interval; 0.95 unless told. */
  confidence?: number;
  /** Seed of the resampling, an unsigned 32-bit integer; 0 unless told. */
  seed?: number;
}

/**
 * Mean of `values` with its bootstrap percentile interval.
 *
 * @param values One finite value a sample, `[n]`.
 * @throws {RangeError} If there is no value, or one is not finite.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { meanInterval } from "@dip-go/eval";
 *
 * const { mean, low, high } = meanInterval([30, 31, 29, 30]);
 * assert(low < mean && mean < high);
 * ```
 */
export function meanInterval(
  values: readonly number[],
  { resamples = 2000, confidence = 0.95, seed = 0 }: BootstrapOptions = {},
): Interval {
  checkFinite(values);
  const n = values.length;
  const uniform = splitMix32(seed);
  const means = Float64Array.from({ length: resamples }, () => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += values[Math.floor(uniform() * n)];
    return sum / n;
  }).sort();
  const tail = (1 - confidence) / 2;
  return {
    mean: values.reduce((sum, value) => sum + value, 0) / n,
    low: quantile(means, tail),
    high: quantile(means, 1 - tail),
    n,
  };
}

/**
 * Mean of a − b over pairs with its bootstrap percentile interval; an interval
 * without 0 calls the difference significant.
 *
 * @param a One finite value a sample, `[n]`.
 * @param b Values of the same samples in the same order, `[n]`.
 * @throws {RangeError} If the lengths differ, or as {@linkcode meanInterval}.
 *
 * @example The same gain on every sample has no spread
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { pairedDifference } from "@dip-go/eval";
 *
 * assertEquals(pairedDifference([3, 8, 5], [1, 6, 3]), {
 *   mean: 2,
 *   low: 2,
 *   high: 2,
 *   n: 3,
 * });
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

/** Linear interpolation between order statistics, as `numpy.quantile` does. */
function quantile(sorted: Float64Array, q: number): number {
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
