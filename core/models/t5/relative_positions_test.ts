import { assertEquals } from "@std/assert";
import {
  type PositionBuckets,
  relativePositionBuckets,
} from "./relative_positions.ts";

/** Buckets of the keys at distances 0, 1, 2, … after or before the query. */
function row(
  length: number,
  buckets: PositionBuckets,
  side: "after" | "before",
): number[] {
  const { data } = relativePositionBuckets(length, buckets);
  const keys = side === "after"
    ? data.slice(0, length)
    : data.slice(-length).reverse();
  return Array.from(keys, Number);
}

/** The first distance of each bucket. */
const starts = (buckets: readonly number[]): number[] =>
  buckets.flatMap((b, i) => b === buckets[i - 1] ? [] : [i]);

Deno.test("T5's 32 buckets: eight for one distance each, then wider ones, the last from 91 tokens on", () => {
  const published = { count: 32, furthest: 128 };
  const before = row(300, published, "before");
  const wide = [8, 12, 16, 23, 32, 46, 64, 91];
  assertEquals(starts(before), [0, 1, 2, 3, 4, 5, 6, 7, ...wide]);
  assertEquals(before.at(-1), 15);
  const after = row(300, published, "after");
  assertEquals(after.slice(1), before.slice(1).map((b) => b + 16));
  assertEquals(after[0], 0);
});

Deno.test("8 buckets to distance 8 begin at the distances 0, 1, 2 and 4", () => {
  const before = row(20, { count: 8, furthest: 8 }, "before");
  assertEquals(starts(before), [0, 1, 2, 4]);
  assertEquals(before.at(-1), 3);
});
