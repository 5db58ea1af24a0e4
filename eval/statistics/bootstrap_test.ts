import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertThrows,
} from "@std/assert";
import {
  type Interval,
  leastSamples,
  meanInterval,
  pairedDifference,
  pooledInterval,
  splitMix32,
} from "./bootstrap.ts";

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
  const halfWidth = 1.966 * Math.sqrt(variance / 399); // Student's
  assertEquals(n, 400);
  assertAlmostEquals(mean, average, 1e-12);
  assertAlmostEquals(low!, average - halfWidth, 0.01);
  assertAlmostEquals(high!, average + halfWidth, 0.01);
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
  assert(wide.low! < narrow.low! && narrow.high! < wide.high!);
});

Deno.test("pairedDifference() sees a small gain under large common noise", () => {
  const common = gaussians(50, 4).map((value) => 10 * value);
  const gain = gaussians(50, 5).map((value) => 0.5 + 0.2 * value);
  const improved = common.map((value, i) => value + gain[i]);
  const { mean, low, high } = pairedDifference(improved, common);
  assertAlmostEquals(mean, 0.5, 0.1);
  assert(low! > 0.4 && high! < 0.6);
  const reversed = pairedDifference(common, improved);
  assertAlmostEquals(reversed.mean, -mean, 1e-12);
});

Deno.test("bootstrap refuses unpaired, missing and non-finite values", () => {
  assertThrows(() => pairedDifference([1, 2], [1]), RangeError, "2 and 1");
  assertThrows(() => meanInterval([]), RangeError, "found 0 values");
  assertThrows(() => pooledInterval([[1, 2], [1]]), RangeError, "found 2,1");
  assertThrows(
    () => meanInterval([1, Infinity]),
    RangeError,
    "value 1 is Infinity",
  );
});

Deno.test("fewer than 20 samples have a mean and no interval", () => {
  const values = gaussians(leastSamples, 6);
  assert(meanInterval(values).low !== undefined);
  const few = meanInterval(values.slice(1));
  assertEquals(Object.keys(few), ["mean", "n"]);
});

/** The share of a thousand draws whose interval holds the true mean. */
function coverage(draw: () => Interval, truth: number): number {
  let covered = 0;
  for (let i = 0; i < 1000; i++) {
    const { low, high } = draw();
    if (low! <= truth && truth <= high!) covered++;
  }
  return covered / 1000;
}

Deno.test("meanInterval() of 32 samples holds the mean 93 to 97 % of the time, for skewed values too", () => {
  const uniform = splitMix32(9);
  const exponential = () => -Math.log(1 - uniform());
  const normal = () => gaussians(1, Math.floor(uniform() * 2 ** 32))[0];
  const of = (value: () => number) => () =>
    meanInterval(Array.from({ length: 32 }, value), { resamples: 300 });
  assertAlmostEquals(coverage(of(normal), 0), 0.95, 0.02);
  assertAlmostEquals(coverage(of(exponential), 1), 0.95, 0.02);
});

Deno.test("pooledInterval() of three seeds holds the mean over seeds, unlike intervals over samples alone", () => {
  const uniform = splitMix32(10);
  const normals = (n: number) => gaussians(n, Math.floor(uniform() * 2 ** 32));
  /** Values of three seeds on 32 samples: an effect of the seed, one of the sample, and noise. */
  const drawn = () => {
    const samples = normals(32);
    return normals(3).map((ofSeed) =>
      normals(32).map((noise, i) => ofSeed + samples[i] + noise / 2)
    );
  };
  const options = { resamples: 300 };
  const pooled = coverage(() => pooledInterval(drawn(), options), 0);
  assertAlmostEquals(pooled, 0.95, 0.03);
  assert(coverage(() => meanInterval(drawn()[0], options), 0) < 0.6);
});

Deno.test("splitMix32() is uniform on [0, 1)", () => {
  const uniform = splitMix32(7);
  const counts = new Array(10).fill(0);
  for (let i = 0; i < 10_000; i++) counts[Math.floor(10 * uniform())]++;
  // chi-squared with 9 degrees of freedom: 27.9 is its 99.9th percentile
  const chiSquared = counts.reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
  assert(chiSquared < 27.9);
});
