import { assertEquals } from "@std/assert";
import { float32 } from "../tensor/tensor.ts";
import { GraphBuilder } from "./builder.ts";
import type { Value } from "./graph.ts";
import { type Macs, macsOfGraph, sumMacs } from "./macs.ts";

/** Total cost of the graph that `body` builds. */
function costOf(body: (g: GraphBuilder) => Value): Macs {
  const g = new GraphBuilder("g");
  return sumMacs(macsOfGraph(g.build({ y: body(g) })).values());
}

const none: Macs = {
  conv: 0,
  linear: 0,
  attention: 0,
  total: 0,
  weights: 0,
  paper: 0,
};
const linear = (macs: number, bias = 0): Macs => ({
  ...none,
  linear: macs,
  total: macs,
  weights: macs,
  paper: macs + bias,
});
const convolution = (macs: number, bias = 0): Macs => ({
  ...linear(macs, bias),
  conv: macs,
  linear: 0,
});
const attention = (macs: number): Macs => ({
  ...none,
  attention: macs,
  total: macs,
});
const paper = (macs: number): Macs => ({ ...none, paper: macs });

/** A constant scale of ones, with which a norm is not affine. */
const ones = (g: GraphBuilder, size: number) =>
  g.constant(float32([size], Array(size).fill(1)));
const zero = (g: GraphBuilder, size: number) =>
  g.constant(float32([size], Array(size).fill(0)));

Deno.test("macsOfGraph() counts a strided, padded, grouped convolution and its bias", () => {
  const cost = costOf((g) =>
    g.conv(
      g.input("x", "float32", [2, 4, 8, 8]),
      g.parameter("w", [6, 2, 3, 3]),
      g.parameter("b", [6]),
      { strides: [2, 2], pads: [1, 1, 1, 1], group: 2 },
    )
  );
  // 2 x 6 x 4 x 4 = 192 outputs of 2 x 3 x 3 = 18 products.
  assertEquals(cost, convolution(192 * 18, 192));
});

Deno.test("macsOfGraph() counts a transposed convolution by its input", () => {
  const cost = costOf((g) =>
    g.convTranspose(
      g.input("x", "float32", [1, 4, 5, 5]),
      g.parameter("w", [4, 3, 2, 2]),
      null,
      {
        strides: [2, 2],
      },
    )
  );
  assertEquals(cost, convolution(100 * 12));
});

Deno.test("macsOfGraph() counts a linear bias once a call, in Gemm as in Add", () => {
  const x = (g: GraphBuilder) => g.input("x", "float32", [7, 5]);
  const b = (g: GraphBuilder) => g.parameter("b", [3]);
  const W = (g: GraphBuilder) => g.parameter("w", [3, 5]);
  const forms = [
    (g: GraphBuilder) => g.gemm(x(g), W(g), b(g), { transB: 1 }),
    (g: GraphBuilder) => g.add(g.matMul(x(g), g.transpose(W(g), [1, 0])), b(g)),
    (g: GraphBuilder) => g.add(b(g), g.fusedMatMul(x(g), W(g), { transB: 1 })),
  ];
  for (const form of forms) assertEquals(costOf(form), linear(7 * 5 * 3, 3));
});

Deno.test("macsOfGraph() counts products with packed weights as linear", () => {
  const cost = costOf((g) =>
    g.matMul(
      g.input("x", "float32", [2, 7, 5]),
      g.concat([g.parameter("q", [5, 5]), g.parameter("k", [5, 5])], {
        axis: 1,
      }),
    )
  );
  assertEquals(cost, linear(2 * 7 * 5 * 10));
});

Deno.test("macsOfGraph() counts an Add of activations or embeddings as nothing", () => {
  const cost = costOf((g) => {
    const product = g.matMul(
      g.input("x", "float32", [7, 5]),
      g.parameter("w", [5, 3]),
    );
    return g.add(
      g.add(product, g.parameter("embedding", [7, 3])),
      g.input("r", "float32", [7, 3]),
    );
  });
  assertEquals(cost, linear(7 * 5 * 3));
});

Deno.test("macsOfGraph() counts fused attention as much as its products", () => {
  const [B, L, S, D, heads] = [2, 6, 3, 8, 2];
  const fused = costOf((g) =>
    g.multiHeadAttention(
      g.input("q", "float32", [B, L, D]),
      g.input("k", "float32", [B, S, D]),
      g.input("v", "float32", [B, S, D]),
      { heads },
    )
  );
  const spelled = costOf((g) => {
    const head = D / heads;
    const q = g.input("q", "float32", [B, heads, L, head]);
    const k = g.input("k", "float32", [B, heads, S, head]);
    const v = g.input("v", "float32", [B, heads, S, head]);
    return g.matMul(g.softmax(g.fusedMatMul(q, k, { transB: 1 })), v);
  });
  assertEquals(fused, attention(2 * B * L * S * D));
  assertEquals(spelled, fused);
});

Deno.test("macsOfGraph() reads the inner dimension of a transposed left operand", () => {
  const cost = costOf((g) =>
    g.fusedMatMul(
      g.input("a", "float32", [5, 7]),
      g.input("b", "float32", [5, 3]),
      { transA: 1 },
    )
  );
  assertEquals(cost, attention(7 * 5 * 3));
});

Deno.test("macsOfGraph() counts a LayerNormalization 2 an element if affine, else 1", () => {
  const x = (g: GraphBuilder) => g.input("x", "float32", [2, 3, 4]);
  assertEquals(
    costOf((g) => g.layerNormalization(x(g), ones(g, 4))),
    paper(24),
  );
  const affine = (g: GraphBuilder) =>
    g.layerNormalization(
      x(g),
      g.parameter("scale", [4]),
      g.parameter("bias", [4]),
    );
  assertEquals(costOf(affine), paper(48));
});

Deno.test("macsOfGraph() counts a GroupNorm 2 an element if affine, else 1", () => {
  const norm = (g: GraphBuilder) => {
    const x = g.reshape(g.input("x", "float32", [2, 6, 4, 4]), [2, 3, 32]);
    return g.reshape(g.instanceNormalization(x, ones(g, 3), zero(g, 3)), [
      2,
      6,
      4,
      4,
    ]);
  };
  const affine = (g: GraphBuilder) => {
    const scale = g.reshape(g.parameter("scale", [6]), [6, 1, 1]);
    const bias = g.reshape(g.parameter("bias", [6]), [6, 1, 1]);
    return g.add(g.mul(norm(g), scale), bias);
  };
  assertEquals(costOf(norm), paper(192));
  assertEquals(costOf(affine), paper(384));
});

Deno.test("macsOfGraph() counts a norm modulated by activations as one without affine", () => {
  const cost = costOf((g) => {
    const x = g.layerNormalization(
      g.input("x", "float32", [2, 3, 4]),
      ones(g, 4),
    );
    const table = g.parameter("scale_shift_table", [1, 4]);
    return g.mul(x, g.add(table, g.input("t", "float32", [1, 4])));
  });
  assertEquals(cost, paper(24));
});
