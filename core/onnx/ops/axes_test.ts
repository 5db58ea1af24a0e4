import { assertEquals, assertThrows } from "@std/assert";
import { broadcastShapes, normalizeAxis } from "./axes.ts";

Deno.test("broadcastShapes() follows NumPy", () => {
  assertEquals(broadcastShapes([2, 1, 3], [4, 1]), [2, 4, 3]);
  assertEquals(broadcastShapes([], [0, 1]), [0, 1]);
  assertEquals(broadcastShapes([2], [3]), null);
});

Deno.test("normalizeAxis() counts from the front", () => {
  assertEquals([normalizeAxis(-1, 3), normalizeAxis(2, 3)], [2, 2]);
  for (const axis of [3, -4, 0.5]) {
    assertThrows(
      () => normalizeAxis(axis, 3),
      RangeError,
      `Cannot use axis ${axis}`,
    );
  }
});
