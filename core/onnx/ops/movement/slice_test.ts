import { assertEquals } from "@std/assert";
import { sliceBounds } from "./slice.ts";

Deno.test("sliceBounds() clamps as ONNX does", () => {
  assertEquals(sliceBounds(-99, 99, 1, 5), [0, 5]);
  assertEquals(sliceBounds(99, -99, -1, 5), [4, -1]);
  assertEquals(sliceBounds(-2, -1, 1, 5), [3, 4]);
});
