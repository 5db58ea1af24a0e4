import { assert, assertEquals } from "@std/assert";
import type { Value } from "@dip-go/core/onnx";
import { TensorPool } from "./tensor_pool.ts";

const value = (name: string, shape: readonly number[]): Value => ({
  name,
  dtype: "float32",
  shape,
});

Deno.test("TensorPool gives each tensor once until it takes them back", () => {
  const pool = new TensorPool();
  const { a, b } = pool.take([value("a", [2, 3]), value("b", [2, 3])]);
  assert(a !== b);
  assertEquals(a.shape, [2, 3]);
  const { c } = pool.take([value("c", [2, 3])]);
  pool.takeBack();
  const again = pool.take(["d", "e", "f"].map((name) => value(name, [2, 3])));
  assertEquals(new Set(Object.values(again)), new Set([a, b, c]));
  const { g } = pool.take([value("g", [6])]);
  assertEquals(g.shape, [6]);
});
