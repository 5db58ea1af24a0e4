/** VJP rules of matrix products and attention. */
import { floatAttribute, intAttribute } from "../onnx/attributes.ts";
import type { GraphBuilder } from "../onnx/builder.ts";
import type { Value } from "../onnx/graph.ts";
import type { VjpCall, VjpRule } from "./vjp_call.ts";

type Bit = 0 | 1;
const not = (bit: Bit): Bit => bit ? 0 : 1;

interface Product {
  readonly alpha: number;
  readonly transA: Bit;
  readonly transB: Bit;
}

function productOf({ node }: VjpCall): Product {
  return {
    alpha: floatAttribute(node, "alpha", 1),
    transA: intAttribute(node, "transA", 0) as Bit,
    transB: intAttribute(node, "transB", 0) as Bit,
  };
}

type Multiply = (a: Value, b: Value, options: Product) => Value;

/**
 * Y = α op(A) op(B). With dA in A's own layout:
 *
 *   A plain: dA = α dY op(B)ᵀ      A transposed: dA = α op(B) dYᵀ
 *   B plain: dB = α op(A)ᵀ dY      B transposed: dB = α dYᵀ op(A)
 */
function leftCotangent(
  multiply: Multiply,
  b: Value,
  dy: Value,
  p: Product,
): Value {
  const { alpha, transA, transB } = p;
  return transA
    ? multiply(b, dy, { alpha, transA: transB, transB: 1 })
    : multiply(dy, b, { alpha, transA: 0, transB: not(transB) });
}

function rightCotangent(
  multiply: Multiply,
  a: Value,
  dy: Value,
  p: Product,
): Value {
  const { alpha, transA, transB } = p;
  return transB
    ? multiply(dy, a, { alpha, transA: 1, transB: transA })
    : multiply(a, dy, { alpha, transA: not(transA), transB: 0 });
}

/** Gemm, Y = α op(A) op(B) + β C. */
export const gemmVjp: VjpRule = (call) => {
  const { g, node, x: a, inputs, dy, wants } = call;
  const product = productOf(call);
  const beta = floatAttribute(node, "beta", 1);
  const multiply: Multiply = (p, q, options) => g.gemm(p, q, null, options);
  return [
    wants(0) ? leftCotangent(multiply, inputs[1]!, dy, product) : null,
    wants(1) ? rightCotangent(multiply, a, dy, product) : null,
    wants(2) ? (beta === 1 ? dy : g.mul(dy, g.scalar(beta))) : null,
  ];
};

/** All axes but the last flattened: `[..., K]` → `[M, K]`. */
function asMatrix(g: GraphBuilder, x: Value): Value {
  return g.reshape(x, [-1, x.shape[x.shape.length - 1]]);
}

/** MatMul and FusedMatMul over the last two axes, batch axes broadcast; B may be a vector. */
export const matMulVjp: VjpRule = (call) => {
  const { g, x: a, inputs, wants } = call;
  const product = productOf(call);
  const vector = inputs[1]!.shape.length === 1;
  const b = vector ? g.reshape(inputs[1]!, [-1, 1]) : inputs[1]!;
  const dy = vector ? g.reshape(call.dy, [...call.dy.shape, 1]) : call.dy;
  const multiply: Multiply = (p, q, options) => g.fusedMatMul(p, q, options);
  // A shared matrix B sums over the batch: one product of flattened operands does both.
  const shared = b.shape.length === 2 && a.shape.length > 2 && !product.transA;
  const dB = () =>
    shared
      ? rightCotangent(multiply, asMatrix(g, a), asMatrix(g, dy), product)
      : rightCotangent(multiply, a, dy, product);
  return [
    wants(0) ? leftCotangent(multiply, b, dy, product) : null,
    wants(1) ? (vector ? g.reshape(dB(), inputs[1]!.shape) : dB()) : null,
  ];
};

/** Elements of a score matrix `[B, h, L, S]` that one slice of heads may hold: 128 MB. */
const scoreLimit = 1 << 25;

/**
 * ONNX Runtime's MultiHeadAttention, O = P V with P = softmax(s Q Kᵀ + bias),
 * s = 1/√d; the bias is a mask, not a weight, and gets no gradient. Nothing of it is stored: P is recomputed, a slice of heads at a
 * time so that memory stays bounded.
 *
 *   dV = Pᵀ dO    dS = P ⊙ (dO Vᵀ − Σ_d dO ⊙ O)    dQ = s dS K    dK = s dSᵀ Q
 *
 * Shapes: Q, O `[B, L, D]`; K, V `[B, S, D]`.
 */
export const multiHeadAttentionVjp: VjpRule = (call) => {
  const { g, node, inputs, y, dy } = call;
  const [q, k, v] = [inputs[0]!, inputs[1]!, inputs[2]!];
  if (inputs[5] && call.wants(5)) {
    throw new RangeError(
      `Cannot differentiate "${node.name}" (MultiHeadAttention) with respect to its bias: only query, key and value have gradients`,
    );
  }
  const heads = intAttribute(node, "num_heads", 1);
  const [batch, length] = q.shape;
  const scores = batch * length * k.shape[1];
  const group = Math.min(heads, Math.max(1, Math.floor(scoreLimit / scores)));
  const slices: Value[][] = [];
  for (let from = 0; from < heads; from += group) {
    const part = { heads, from, to: Math.min(from + group, heads) };
    const [Q, K, V, O, dO] = [q, k, v, y, dy].map((x) =>
      splitHeads(g, x, part)
    );
    const bias = inputs[5] ? headsOf(g, inputs[5], part) : null;
    slices.push(attentionSlice(g, { Q, K, V, O, dO, bias }));
  }
  return [0, 1, 2].map((i) => {
    const parts = slices.map((s) => s[i]);
    return parts.length === 1 ? parts[0] : g.concat(parts, { axis: 2 });
  });
};

/** Heads `from` to `to` of `[B, L, D]` as `[B, h, L, d]`. */
function splitHeads(
  g: GraphBuilder,
  x: Value,
  { heads, from, to }: { heads: number; from: number; to: number },
): Value {
  const [batch, length, width] = x.shape;
  const d = width / heads;
  const whole = to - from === heads;
  const part = whole
    ? x
    : g.slice(x, { axes: [2], starts: [from * d], ends: [to * d] });
  return g.transpose(g.reshape(part, [batch, length, to - from, d]), [
    0,
    2,
    1,
    3,
  ]);
}

/** Heads `from` to `to` of a bias, which may be one for all. */
function headsOf(
  g: GraphBuilder,
  bias: Value,
  { from, to }: { from: number; to: number },
): Value {
  if (bias.shape[1] === 1) return bias;
  return g.slice(bias, { axes: [1], starts: [from], ends: [to] });
}

/** `[B, h, L, d]` → `[B, L, h d]`. */
function mergeHeads(g: GraphBuilder, x: Value): Value {
  const [batch, heads, length, d] = x.shape;
  return g.reshape(g.transpose(x, [0, 2, 1, 3]), [batch, length, heads * d]);
}

function attentionSlice(
  g: GraphBuilder,
  { Q, K, V, O, dO, bias }: {
    readonly Q: Value;
    readonly K: Value;
    readonly V: Value;
    readonly O: Value;
    readonly dO: Value;
    readonly bias: Value | null;
  },
): Value[] {
  const alpha = 1 / Math.sqrt(Q.shape[3]);
  const scores = g.fusedMatMul(Q, K, { alpha, transB: 1 });
  const P = g.softmax(bias ? g.add(scores, bias) : scores);
  const dV = g.fusedMatMul(P, dO, { transA: 1 });
  const dP = g.fusedMatMul(dO, V, { transB: 1 });
  const inner = g.reduceSum(g.mul(dO, O), { axes: [3] });
  const dS = g.mul(P, g.sub(dP, inner));
  const dQ = g.fusedMatMul(dS, K, { alpha });
  const dK = g.fusedMatMul(dS, Q, { alpha, transA: 1 });
  return [dQ, dK, dV].map((x) => mergeHeads(g, x));
}
