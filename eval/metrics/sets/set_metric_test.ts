import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertThrows,
} from "@std/assert";
import { TorchGenerator } from "@dip-go/core/random";
import { float32 } from "@dip-go/core/tensor";
import { normalOf, statisticsOf } from "./feature_statistics.ts";
import { frechetDistance } from "./frechet_distance.ts";
import { kernelDistance } from "./kernel_distance.ts";
import { precisionRecall } from "./precision_recall.ts";
import {
  distanceFrom,
  fewestForInterval,
  fixedReference,
  frechetMetric,
  kernelMetric,
  pairedReference,
  precisionRecallMetric,
} from "./set_metric.ts";

const width = 3;

function drawn(count: number, { seed = count, shift = 0 } = {}) {
  const { data } = new TorchGenerator(seed).randn([count, width]);
  return float32(
    [count, width],
    data.map((x, i) => shift + x * (1 + i % width)),
  );
}

const kernel = { subsetSize: 20, subsets: 3, seed: 1 };
const reference = drawn(41, { seed: 1 });
const fixed = fixedReference(reference);
const fid = frechetMetric("fid", fixedReference(distanceFrom(reference)));
const kid = kernelMetric("kid", fixed, kernel);
const pr = precisionRecallMetric({ precision: "p", recall: "r" }, fixed);

Deno.test("the values equal the measures of all samples", () => {
  const samples = drawn(50, { shift: 1 });
  const [a, b] = [reference, samples].map((x) => normalOf(statisticsOf(x)));
  assertAlmostEquals(fid(samples).fid.mean, frechetDistance(a, b), 1e-9);
  assertEquals(
    kid(samples).kid.mean,
    kernelDistance(samples, reference, kernel).mean,
  );
  const { precision, recall } = precisionRecall(reference, samples);
  const { p, r } = pr(samples);
  assertEquals([p.mean, r.mean], [precision, recall]);
});

Deno.test("the interval of a distance is about as wide as the distance varies over fresh sets", () => {
  const distances = Array.from({ length: 60 }, (_, seed) => {
    const samples = drawn(100, { seed: 100 + seed, shift: 1 });
    return fid(samples).fid;
  });
  const mean = distances.reduce((sum, each) => sum + each.mean, 0) / 60;
  const covered =
    distances.filter(({ low, high }) => low! <= mean && mean <= high!).length;
  assert(covered >= 51 && covered <= 60, `${covered} of 60`); // 57 on average
  const spread = Math.sqrt(
    distances.reduce((sum, each) => sum + (each.mean - mean) ** 2, 0) / 59,
  );
  const half =
    distances.reduce((sum, { low, high }) => sum + (high! - low!) / 2, 0) / 60;
  assert(half > 1.2 * spread && half < 4 * spread, `${half} of ${spread}`);
});

Deno.test("a paired reference leaves out the pictures of the samples that are left out", () => {
  const samples = drawn(60, { shift: 1 });
  const shifted = float32(samples.shape, samples.data.map((x) => x + 0.1));
  const paired = frechetMetric("fid", pairedReference(samples, distanceFrom));
  const { mean, low, high } = paired(shifted).fid;
  // The covariances are equal without any group: the distance is that between the means.
  assertAlmostEquals(mean, width * 0.01, 1e-5);
  assert(high! - low! < 1e-4, `${low} ${high}`);
  const fixed = fixedReference(distanceFrom(samples));
  const alone = frechetMetric("fid", fixed);
  const wide = alone(shifted).fid;
  assertAlmostEquals(wide.mean, mean, 1e-9);
  assert(wide.high! - wide.low! > 100 * (high! - low!));
  assert(wide.low! >= 0);
});

Deno.test("few samples have a value without an interval; no samples are refused", () => {
  const few = drawn(fewestForInterval - 1);
  const { mean, low, n } = fid(few).fid;
  assert(mean > 0);
  assertEquals([low, n], [undefined, fewestForInterval - 1]);
  const enough = drawn(fewestForInterval);
  assert(fid(enough).fid.low! > -Infinity);
  assertThrows(() => fid(drawn(0)), RangeError, "found no sample");
  assertThrows(
    () => pr(drawn(3)),
    RangeError,
    "a set has 3, expected more than 3",
  );
});
