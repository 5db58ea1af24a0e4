/**
 * The difference of two means of different samples, from their intervals alone, by
 * the method of variance estimates recovery (Zou and Donner, Statistics in
 * Medicine 2008), which allows asymmetric intervals.
 */
import type { Difference, MetricValue } from "../tables/results.ts";

/**
 * `a` minus `b` with its 95 % interval; undefined unless both have an interval. If
 * the samples are in fact the same, the interval is wider than necessary.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { unpairedDifference } from "@dip-go/eval";
 *
 * const a = { mean: 10, low: 7, high: 13 }, b = { mean: 2, low: -2, high: 6 };
 * assertEquals(unpairedDifference(a, b), {
 *   difference: 8,
 *   low: 3,
 *   high: 13,
 *   unpaired: true,
 * });
 * ```
 */
export function unpairedDifference(
  a: MetricValue,
  b: MetricValue,
): Omit<Difference, "method"> | undefined {
  if (a.low === undefined || a.high === undefined) return undefined;
  if (b.low === undefined || b.high === undefined) return undefined;
  const difference = a.mean - b.mean;
  return {
    difference,
    low: difference - Math.hypot(a.mean - a.low, b.high - b.mean),
    high: difference + Math.hypot(a.high - a.mean, b.mean - b.low),
    unpaired: true,
  };
}
