import { assertEquals } from "@std/assert";
import {
  firstOf,
  joined,
  joinedChannels,
  stacked,
  unstacked,
} from "./batch.ts";
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
  const both = float32([2, 2], [5, 6, 7, 8]);
  assertEquals(joined([a, both]).shape, [3, 2]);
  assertEquals([...joined([a, both]).data], [1, 2, 5, 6, 7, 8]);
});

Deno.test("firstOf() takes no more than there are", () => {
  const three = float32([3, 2], [1, 2, 3, 4, 5, 6]);
  assertEquals(firstOf(three, 2), float32([2, 2], [1, 2, 3, 4]));
  assertEquals(firstOf(three, 5), three);
});

Deno.test("joinedChannels() puts maps of each sample one after the other", () => {
  const a = float32([2, 1, 1, 2], [1, 2, 3, 4]);
  const b = float32([2, 2, 1, 2], [5, 6, 7, 8, 9, 10, 11, 12]);
  assertEquals(
    joinedChannels(a, b),
    float32([2, 3, 1, 2], [1, 2, 5, 6, 7, 8, 3, 4, 9, 10, 11, 12]),
  );
});
