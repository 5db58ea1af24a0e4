import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertThrows,
} from "@std/assert";
import { meanInterval, pairedDifference, splitMix32 } from "./bootstrap.ts";

/** Roughly normal values with mean 0 and variance 1: sums of twelve uniforms. */
function gaussians(n: number, seed: number): number[] {
  const uniform = splitMix32(seed);
  return Array.from(
    { length: n },
    () => Array.from({ length: 12 }, uniform).reduce((sum, u) => sum + u, -6),
  );
}

Deno.test("meanInterval() comes close to the normal interval of a mean", () => {
  const values = gaussians(400, 1);
  const { mean, low, high, n } = meanInterval(values);
  const average = values.reduce((sum, value) => sum + value, 0) / 400;
  const variance =
    values.reduce((sum, value) => sum + (value - average) ** 2, 0) / 400;
  const halfWidth = 1.96 * Math.sqrt(variance / 400);
  assertEquals(n, 400);
  assertAlmostEquals(mean, average, 1e-12);
  assertAlmostEquals(low, average - halfWidth, 0.01);
  assertAlmostEquals(high, average + halfWidth, 0.01);
});

Deno.test("meanInterval() is a function of its seed", () => {
  const values = gaussians(20, 2);
  assertEquals(meanInterval(values), meanInterval(values, { seed: 0 }));
  assert(meanInterval(values).low !== meanInterval(values, { seed: 1 }).low);
});

Deno.test("meanInterval() is wider at higher confidence", () => {
  const values = gaussians(30, 3);
  const narrow = meanInterval(values, { confidence: 0.5 });
  const wide = meanInterval(values, { confidence: 0.99 });
  assert(wide.low < narrow.low && narrow.high < wide.high);
});

Deno.test("pairedDifference() sees a small gain under large common noise", () => {
  const common = gaussians(50, 4).map((value) => 10 * value);
  const gain = gaussians(50, 5).map((value) => 0.5 + 0.2 * value);
  const improved = common.map((value, i) => value + gain[i]);
  const { mean, low, high } = pairedDifference(improved, common);
  assertAlmostEquals(mean, 0.5, 0.1);
  assert(low > 0.4 && high < 0.6);
  const reversed = pairedDifference(common, improved);
  assertAlmostEquals(reversed.mean, -mean, 1e-12);
});

Deno.test("bootstrap refuses unpaired, missing and non-finite values", () => {
  assertThrows(() => pairedDifference([1, 2], [1]), RangeError, "2 and 1");
  assertThrows(() => meanInterval([]), RangeError, "found 0 values");
  assertThrows(
    () => meanInterval([1, Infinity]),
    RangeError,
    "value 1 is Infinity",
  );
});

Deno.test("splitMix32() is uniform on [0, 1)", () => {
  const uniform = splitMix32(7);
  const counts = new Array(10).fill(0);
  for (let i = 0; i < 10_000; i++) counts[Math.floor(10 * uniform())]++;
  // chi-squared with 9 degrees of freedom: 27.9 is its 99.9th percentile
  const chiSquared = counts.reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
  assert(chiSquared < 27.9);
});
