import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { randomWeights } from "./random_weights.ts";

const draw = (seed: number, key: string, shape: number[]) =>
  randomWeights(seed)(key, shape).data!.data as Float32Array;

const mean = (values: Float32Array) =>
  values.reduce((sum, x) => sum + x, 0) / values.length;

Deno.test("randomWeights() depends on seed and key alone", () => {
  assertEquals(draw(1, "a.weight", [4, 4]), draw(1, "a.weight", [4, 4]));
  assertNotEquals(draw(1, "a.weight", [4, 4]), draw(2, "a.weight", [4, 4]));
  assertNotEquals(draw(1, "a.weight", [4, 4]), draw(1, "b.weight", [4, 4]));
});

Deno.test("randomWeights() has mean 0 and standard deviation 0.02", () => {
  const values = draw(0, "a.weight", [100, 100]);
  assert(Math.abs(mean(values)) < 1e-3);
  const variance = mean(values.map((x) => x * x));
  assert(Math.abs(Math.sqrt(variance) / 0.02 - 1) < 0.03);
});

Deno.test("randomWeights() repeats the first numbers of a large weight, but none of its rows", () => {
  const values = draw(0, "a.weight", [2049, 1024]);
  const period = 1048583;
  assertEquals(
    values.subarray(period),
    values.subarray(0, values.length - period),
  );
  assertNotEquals(
    values.subarray(0, 1024),
    values.subarray(2 ** 20, 2 ** 20 + 1024),
  );
});

Deno.test("randomWeights() puts the scales of norms around 1", () => {
  assert(Math.abs(mean(draw(0, "norm.weight", [1000])) - 1) < 0.01);
});
