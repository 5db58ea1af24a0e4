import { assert, assertThrows } from "@std/assert";
import { GraphBuilder } from "../builder.ts";
import type { Operator } from "./operator.ts";
import { inferShapes, operatorOf, operators } from "./registry.ts";

Deno.test("inferShapes() names the node, its operator and its inputs", () => {
  const g = new GraphBuilder("g");
  const [a, b] = [
    g.input("a", "float32", [2, 3]),
    g.input("b", "float32", [4, 5]),
  ];
  assertThrows(
    () => g.scope("attn.to_q", () => g.matMul(a, b)),
    RangeError,
    `Cannot infer the shape of node "attn.to_q/MatMul" (MatMul): inner dimensions 3 and 4 differ; inputs are float32[2,3], float32[4,5]`,
  );
});

Deno.test("operatorOf() refuses unknown operators, also with names of Object's properties", () => {
  const g = new GraphBuilder("g");
  const x = g.input("x", "float32", [2]);
  for (const op of ["Unknown", "toString", "constructor", "__proto__"]) {
    const message = `Cannot use operator "${op}" of node "block/${op}"`;
    const build = () => g.scope("block", () => g.node(op, [x]));
    assertThrows(build, RangeError, message);
    const call = {
      node: { op, domain: "", name: `block/${op}`, attributes: {} },
      inputs: [x],
      constant: () => [],
    };
    const node = { ...call.node, inputs: ["x"], outputs: ["y"] };
    assertThrows(() => inferShapes({ ...call, node }), RangeError, message);
    assertThrows(() => operatorOf(node), RangeError, message);
  }
});

Deno.test("inferShapes() refuses inputs that do not fit", () => {
  const g = new GraphBuilder("g");
  let count = 0;
  const x = (...shape: number[]) => g.input(`x${count++}`, "float32", shape);
  const refused: [() => unknown, string][] = [
    [() => g.add(x(2), x(3)), "do not broadcast"],
    [() => g.add(x(2), g.ints([1, 2])), "dtypes float32 and int64 differ"],
    [() => g.gemm(x(2, 3), x(3, 4), x(3)), "C [3] does not broadcast to [2,4]"],
    [
      () => g.conv(x(1, 3, 4, 4), x(8, 4, 1, 1)),
      "3 input channels, expected 4 x 1 groups",
    ],
    [
      () => g.conv(x(1, 3, 2, 2), x(8, 3, 3, 3)),
      "window 3 does not fit spatial size 2",
    ],
    [
      () => g.convTranspose(x(1, 3, 4, 4), x(4, 8, 1, 1)),
      "3 input channels, expected 4",
    ],
    [() => g.layerNormalization(x(2, 4), x(3)), "input 1 is [3], expected [4]"],
    [
      () => g.instanceNormalization(x(2, 4, 5), x(4), x(5)),
      "input 2 is [5], expected [4]",
    ],
    [() => g.reshape(x(2, 3), [4, -1]), "cannot reshape to [4,-1]"],
    [() => g.transpose(x(2, 3), [0, 0]), "perm [0,0] is no permutation"],
    [
      () => g.concat([x(2, 3), x(3, 3)], { axis: 1 }),
      "inputs differ outside axis 1",
    ],
    [() => g.split(x(4), [1, 2], { axis: 0 }), "do not split 4 into 2 outputs"],
    [() => g.pad(x(2, 3), [1, 1]), "2 pads, expected 4"],
    [() => g.expand(x(2), [3]), "cannot expand to [3]"],
    [() => g.where(x(2), x(2), x(2)), "the condition must be bool"],
    [() => g.resize(x(1, 1, 2, 2), [4, 4]), "2 sizes, expected 4"],
    [
      () =>
        g.multiHeadAttention(x(1, 2, 6), x(1, 2, 6), x(1, 2, 6), { heads: 4 }),
      "divisible by 4 heads",
    ],
    [
      () =>
        g.multiHeadAttention(x(2, 2, 6), x(1, 2, 6), x(1, 2, 6), { heads: 2 }),
      "key must be [B, S, D]",
    ],
    [
      () => g.scatterND(x(3, 4), g.ints([0]), x(3)),
      "updates are [3], expected [4]",
    ],
    [() => g.reduceSum(x(2), { axes: [1] }), "axis 1"],
    [() => g.node("Reshape", [x(2), x(2)]), "it must be a constant"],
  ];
  for (const [build, message] of refused) {
    assertThrows(build, RangeError, message);
  }
});

Deno.test("an operator's record without `vjp` does not compile", () => {
  const { shape, macs } = operators.Neg;
  // @ts-expect-error: nothing says whether it has a gradient
  const record: Operator = { shape, macs };
  assert(record);
});
