import { assertEquals } from "@std/assert";
import { joined, stacked, unstacked } from "./batch.ts";
import { float32 } from "./tensor.ts";

Deno.test("unstacked() takes a batch apart", () => {
  const parts = unstacked(float32([2, 1, 2], [1, 2, 3, 4]));
  assertEquals(parts, [float32([1, 2], [1, 2]), float32([1, 2], [3, 4])]);
});

Deno.test("stacked() makes a batch of tensors, joined() of batches", () => {
  const a = float32([1, 2], [1, 2]);
  const b = float32([1, 2], [3, 4]);
  assertEquals(stacked([a, b]), float32([2, 1, 2], [1, 2, 3, 4]));
  assertEquals(joined([a, b]), float32([2, 2], [1, 2, 3, 4]));
});
