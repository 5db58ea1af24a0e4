import { assertAlmostEquals } from "@std/assert";
import { GraphBuilder } from "@dip-go/core/onnx";
import { openSession } from "@dip-go/core/runtime";
import { float32 } from "@dip-go/core/tensor";
import { waves } from "@dip-go/testing/models";
import { repeatedRow, withAttentionBias } from "./repeated_row.ts";

/** Attention of tokens `[1, L, 4]` to themselves, in two heads. */
function attention(tokens: number) {
  const g = new GraphBuilder("attention");
  const x = g.input("x", "float32", [1, tokens, 4]);
  return g.build({ y: g.multiHeadAttention(x, x, x, { heads: 2 }) });
}

Deno.test("attention to one token that stands for five equals attention to the five", async () => {
  const row = waves([1, 4]).data;
  const others = waves([1, 2, 4]).data;
  await using many = await openSession(attention(7));
  const all = [...others, ...Array(5).fill([...row]).flat()];
  const { y: expected } = await many.run({ x: float32([1, 7, 4], all) });
  await using one = await openSession(withAttentionBias(attention(3)));
  const { y } = await one.run({
    x: float32([1, 3, 4], [...others, ...row]),
    ...repeatedRow({ tokens: 3, place: 2, count: 5 }),
  });
  y.data.forEach((value, i) =>
    assertAlmostEquals(Number(value), Number(expected.data[i]), 1e-5)
  );
});
