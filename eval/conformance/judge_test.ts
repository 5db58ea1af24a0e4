import { assertEquals, assertThrows } from "@std/assert";
import { float32 } from "@dip-go/core/tensor";
import { difference, judgeOf } from "./judge.ts";

const pair = (...values: number[]) => float32([2], Float32Array.from(values));

function isOk(found: number[], limits: { relative: number; maxAbs?: number }) {
  return judgeOf("c", limits)("t", pair(...found), pair(1, 4)).ok;
}

Deno.test("judgeOf() holds a tensor to both limits", () => {
  assertEquals(isOk([1.5, 4], { relative: 0.125 }), true);
  assertEquals(isOk([1.5, 4], { relative: 0.1 }), false);
  assertEquals(isOk([1.5, 4], { relative: 0.125, maxAbs: 0.5 }), true);
  assertEquals(isOk([1.5, 4], { relative: 0.125, maxAbs: 0.4 }), false);
});

Deno.test("judgeOf() never accepts a NaN", () => {
  assertEquals(isOk([NaN, 4], { relative: 1 }), false);
});

Deno.test("difference() measures against the recorded maximum", () => {
  const recorded = float32([3], [-4, 0, 1]);
  const { maxAbs, relative } = difference(float32([3], [-4, 1, 1]), recorded);
  assertEquals([maxAbs, relative], [1, 0.25]);
});

Deno.test("difference() keeps a NaN", () => {
  const found = float32([3], [NaN, 0, 1]);
  assertEquals(difference(found, float32([3], [0, 0, 1])).relative, NaN);
});

Deno.test("difference() refuses other shapes", () => {
  assertThrows(
    () => difference(float32([2], [0, 0]), float32([1, 2], [0, 0])),
    RangeError,
    "found float32[2], expected float32[1,2]",
  );
});
