import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { TorchGenerator } from "@dip-go/core/random";
import { meanInterval } from "./bootstrap.ts";
import { unpairedDifference } from "./unpaired_difference.ts";

Deno.test("unpairedDifference() of symmetric intervals equals Welch's", () => {
  const a = { mean: 1, low: -2, high: 4 };
  const found = unpairedDifference(a, { mean: 3, low: -1, high: 7 })!;
  assertEquals([found.difference, found.low, found.high], [-2, -7, 3]);
  assertEquals(unpairedDifference({ mean: 1 }, a), undefined);
  assertEquals(unpairedDifference(a, { mean: 1 }), undefined);
});

Deno.test("unpairedDifference() takes from each interval the side that matters", () => {
  const { low, high } = unpairedDifference(
    { mean: 10, low: 7, high: 18 },
    { mean: 10, low: 4, high: 14 },
  )!;
  // Down: a's low side and b's high side; up: the other two sides.
  assertEquals([low, high], [-5, 10]);
});

Deno.test("unpairedDifference() covers the true difference about as often as it says", () => {
  const random = new TorchGenerator(5);
  const trials = 300;
  let covered = 0;
  for (let i = 0; i < trials; i++) {
    const [a, b] = [40, 60].map((n, k) =>
      meanInterval([...random.randn([n]).data].map((x) => (k + 1) * x + k))
    );
    const { low, high } = unpairedDifference(a, b)!;
    if (low <= -1 && -1 <= high) covered++;
  }
  // The share's standard error is 0.013.
  assertAlmostEquals(covered / trials, 0.94, 0.04);
  assert(covered < trials);
});
