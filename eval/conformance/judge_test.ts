import { assertEquals } from "@std/assert";
import { float32 } from "@dip-go/core/tensor";
import { judge } from "./judge.ts";

const name = { case: "c", tensor: "t" };
const pair = (...values: number[]) => float32([2], Float32Array.from(values));

function isOk(found: number[], limits: { relative: number; maxAbs?: number }) {
  const expected = pair(1, 4);
  return judge(name, { found: pair(...found), expected, limits }).ok;
}

Deno.test("judge() holds a tensor to both limits", () => {
  assertEquals(isOk([1.5, 4], { relative: 0.125 }), true);
  assertEquals(isOk([1.5, 4], { relative: 0.1 }), false);
  assertEquals(isOk([1.5, 4], { relative: 0.125, maxAbs: 0.5 }), true);
  assertEquals(isOk([1.5, 4], { relative: 0.125, maxAbs: 0.4 }), false);
});

Deno.test("judge() never accepts a NaN", () => {
  assertEquals(isOk([NaN, 4], { relative: 1 }), false);
});
