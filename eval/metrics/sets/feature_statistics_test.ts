import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { TorchGenerator } from "@dip-go/core/random";
import { float32, type Tensor } from "@dip-go/core/tensor";
import {
  mergeStatistics,
  normalOf,
  statisticsOf,
} from "./feature_statistics.ts";
import { frechetDistance } from "./frechet_distance.ts";

/** N features of D numbers far from 0, whose columns differ in spread. */
function features(count: number, width: number): Tensor<"float32"> {
  const { data } = new TorchGenerator(count).randn([count, width]);
  return float32([count, width], data.map((x, i) => 50 + x * (1 + i % width)));
}

const rows = ({ data, shape }: Tensor<"float32">, from: number, to: number) =>
  float32([to - from, shape[1]], data.slice(from * shape[1], to * shape[1]));

Deno.test("statistics are the mean and covariance by their definitions", () => {
  const { shape: [count, width], data } = features(20, 3);
  const statistics = statisticsOf(features(20, 3));
  const column = (j: number) =>
    Array.from({ length: count }, (_, n) => data[n * width + j]);
  const mean = (values: number[]) => values.reduce((a, b) => a + b) / count;
  const { covariance } = normalOf(statistics);
  for (let i = 0; i < width; i++) {
    assertAlmostEquals(statistics.mean[i], mean(column(i)), 1e-9);
    for (let j = 0; j < width; j++) {
      const products = column(i).map((x, n) =>
        (x - mean(column(i))) * (column(j)[n] - mean(column(j)))
      );
      const expected = mean(products) * count / (count - 1);
      assertAlmostEquals(covariance[i * width + j], expected, 1e-9);
    }
  }
});

Deno.test("statistics of parts gathered apart merge into those of the whole, for parts of any size", () => {
  const all = features(57, 5);
  const whole = statisticsOf(all);
  const cuts = [0, 1, 20, 20, 57];
  const merged = cuts.slice(1).map((to, i) => rows(all, cuts[i], to))
    .filter(({ shape }) => shape[0] > 0).map(statisticsOf)
    .reduce(mergeStatistics);
  assertEquals(merged.count, 57);
  for (const key of ["mean", "scatter"] as const) {
    merged[key].forEach((value, i) =>
      assertAlmostEquals(value, whole[key][i], 1e-9 * Math.abs(whole[key][i]))
    );
  }
  const other = normalOf(statisticsOf(features(30, 5)));
  const [a, b] = [merged, whole].map((own) =>
    frechetDistance(normalOf(own), other)
  );
  assertAlmostEquals(a, b, 1e-9 * b);
});

Deno.test("frechetDistance() of normal distributions with diagonal covariances matches the value by hand", () => {
  const pair = (spread: number, mean: number) =>
    normalOf(statisticsOf(
      float32([4, 2], [
        ...[mean + spread, mean + 1, mean - spread, mean - 1],
        ...[mean + spread, mean - 1, mean - spread, mean + 1],
      ]),
    ));
  // Variances 4/3 · spread² and 4/3.
  const root = (spread: number) => Math.sqrt(4 / 3) * spread;
  const expected = 2 * 9 + (root(5) - root(2)) ** 2;
  assertAlmostEquals(frechetDistance(pair(5, 1), pair(2, 4)), expected, 1e-9);
  assertAlmostEquals(frechetDistance(pair(5, 1), pair(5, 1)), 0, 1e-9);
});

Deno.test("statistics refuse a single feature, other widths and numbers that are not finite", () => {
  const one = statisticsOf(float32([1, 2], [1, 2]));
  assertThrows(() => normalOf(one), RangeError, "found 1 features");
  const wide = statisticsOf(features(4, 3));
  assertThrows(
    () => mergeStatistics(one, wide),
    RangeError,
    "2 and 3 numbers",
  );
  const two = normalOf(statisticsOf(features(4, 2)));
  assertThrows(
    () => frechetDistance(two, normalOf(wide)),
    RangeError,
    "2 and 3 numbers",
  );
  assertThrows(
    () => statisticsOf(float32([2, 2], [1, 2, NaN, 4])),
    RangeError,
    "number 0 of 2 is NaN",
  );
});
