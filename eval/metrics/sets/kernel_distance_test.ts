import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertThrows,
} from "@std/assert";
import { TorchGenerator } from "@dip-go/core/random";
import { float32 } from "@dip-go/core/tensor";
import { kernelDistance } from "./kernel_distance.ts";

const once = { subsetSize: 1000, subsets: 1, seed: 0 };

Deno.test("kernelDistance() of two sets of two features matches the value by hand", () => {
  const a = float32([2, 2], [1, 0, 0, 2]);
  const b = float32([2, 2], [1, 1, 3, 0]);
  // Kernels: within a (0/2 + 1)³ = 1, within b (3/2 + 1)³; across 1.5³, 2.5³, 2³, 1.
  const expected = 1 + 2.5 ** 3 - 2 * (1.5 ** 3 + 2.5 ** 3 + 2 ** 3 + 1) / 4;
  const { mean, deviation } = kernelDistance(a, b, once);
  assertAlmostEquals(mean, expected, 1e-12);
  assertEquals(deviation, 0);
});

Deno.test("kernelDistance() is about 0 within one distribution, and grows as two move apart", () => {
  const random = new TorchGenerator(5);
  const draw = (shift: number) => {
    const { shape, data } = random.randn([200, 8]);
    return float32(shape, data.map((x) => x + shift));
  };
  const options = { subsetSize: 100, subsets: 20, seed: 1 };
  const [own, near, far] = [0, 0.5, 1].map((shift) =>
    kernelDistance(draw(0), draw(shift), options)
  );
  assert(Math.abs(own.mean) < 3 * own.deviation);
  assert(near.mean > 5 * Math.abs(own.mean) && far.mean > 2 * near.mean);
  const again = () => kernelDistance(draw(0), draw(1), options).mean;
  assert(again() !== again());
});

Deno.test("kernelDistance() refuses other widths and single features", () => {
  const [one, wide] = [float32([1, 2], [1, 2]), float32([1, 3], [1, 2, 3])];
  assertThrows(() => kernelDistance(one, wide, once), RangeError, "2 and 3");
  assertThrows(
    () => kernelDistance(one, one, once),
    RangeError,
    "found 1 and 1, subsets of 1",
  );
});
