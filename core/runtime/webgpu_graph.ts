/**
 * What ONNX Runtime's WebGPU provider lacks, or computes too coarsely for a
 * sampler, in operators that it has. Which these are was found by running every
 * case of `operator_cases.ts` on it.
 */
import { floatAttribute, intAttribute } from "../onnx/attributes.ts";
import type { GraphBuilder } from "../onnx/builder.ts";
import type { Graph, Value } from "../onnx/graph.ts";
import {
  type RewriteCall,
  type RewriteRule,
  rewritten,
} from "../onnx/rewrites/rewrite.ts";

/** What is known of a device besides its provider. */
export interface WebgpuTraits {
  /** Whether its fused attention is right: the provider's is not on devices whose subgroups are of four. */
  readonly fusedAttention: boolean;
}

/** The graph for the WebGPU provider: same inputs, outputs and results. */
export function webgpuGraph(graph: Graph, traits: WebgpuTraits): Graph {
  const rules: Readonly<Record<string, RewriteRule>> = {
    Cos: ({ g, inputs: [x] }) => [cosine(g, turned(g, x!))],
    FusedMatMul: fusedMatMul,
    Sign: ({ g, inputs: [x] }) => [sign(g, x!)],
    Sin: ({ g, inputs: [x] }) => [
      cosine(g, g.sub(turned(g, x!), g.scalar(Math.PI / 2))),
    ],
    ...traits.fusedAttention ? {} : { MultiHeadAttention: attention },
  };
  return rewritten(graph, { rule: (call) => rules[call.node.op]?.(call) });
}

/** A scalar of the same dtype as `like`. */
function scalarLike(g: GraphBuilder, value: number, like: Value): Value {
  const scalar = g.scalar(value);
  return like.dtype === "float32" ? scalar : g.cast(scalar, like.dtype);
}

function sign(g: GraphBuilder, x: Value): Value {
  const zero = scalarLike(g, 0, x);
  return g.sub(
    g.cast(g.greater(x, zero), x.dtype),
    g.cast(g.less(x, zero), x.dtype),
  );
}

/** The last two axes exchanged. */
function transposed(g: GraphBuilder, x: Value): Value {
  const axes = x.shape.map((_, i) => i);
  return g.transpose(x, [...axes.slice(0, -2), ...axes.slice(-2).reverse()]);
}

/** `[M, ..., K]` → `[..., M, K]` */
function firstAxisInside(g: GraphBuilder, x: Value): Value {
  const axes = x.shape.map((_, i) => i);
  return g.transpose(x, [...axes.slice(1, -1), 0, axes.length - 1]);
}

function fusedMatMul({ g, node, inputs }: RewriteCall): Value[] {
  const read = [
    intAttribute(node, "transBatchA", 0)
      ? firstAxisInside(g, inputs[0]!)
      : inputs[0]!,
    inputs[1]!,
  ];
  const [a, b] = ["transA", "transB"].map((key, i) =>
    intAttribute(node, key, 0) ? transposed(g, read[i]) : read[i]
  );
  const alpha = floatAttribute(node, "alpha", 1);
  const product = g.matMul(a, b);
  return [
    alpha === 1 ? product : g.mul(product, scalarLike(g, alpha, product)),
  ];
}

/** 2π in two parts (Cody and Waite, 1980): the first has eight bits, so that its multiples by a number of turns are exact. */
const turn = { high: 6.28125, low: 2 * Math.PI - 6.28125 };

/** x without its whole turns, within [−π, π]. */
function turned(g: GraphBuilder, x: Value): Value {
  const turns = g.floor(
    g.add(g.mul(x, g.scalar(1 / (2 * Math.PI))), g.scalar(0.5)),
  );
  const rest = g.sub(x, g.mul(turns, g.scalar(turn.high)));
  return g.sub(rest, g.mul(turns, g.scalar(turn.low)));
}

/** Taylor coefficients of cos √v: (−1)^n / (2n)!, from the highest; the next term is below 2e-8 at √v = 3π/8. */
const coefficients = [-1 / 3628800, 1 / 40320, -1 / 720, 1 / 24, -1 / 2, 1];

/**
 * cos x for |x| ≤ 3π/2 to float32 rounding: the series at x/4, then cos 2u =
 * 2 cos² u − 1 twice. WGSL promises its own cosine only to 2⁻¹¹, and nothing
 * past π; a timestep's angles reach 999.
 */
function cosine(g: GraphBuilder, x: Value): Value {
  const quarter = g.mul(x, g.scalar(1 / 4));
  const v = g.mul(quarter, quarter);
  const [highest, ...others] = coefficients;
  const series = others.reduce<Value>(
    (sum, c) => g.add(g.mul(sum, v), g.scalar(c)),
    g.scalar(highest),
  );
  const doubled = (c: Value) =>
    g.sub(g.mul(g.mul(c, c), g.scalar(2)), g.scalar(1));
  return doubled(doubled(series));
}

/** `[B, L, D]` → `[B, heads, L, D / heads]` */
function heads(g: GraphBuilder, x: Value, count: number): Value {
  const [batch, tokens, width] = x.shape;
  const split = g.reshape(x, [batch, tokens, count, width / count]);
  return g.transpose(split, [0, 2, 1, 3]);
}

/** softmax(s Q Kᵀ + bias) V, written out; the softmax in float32. */
function attention({ g, node, inputs }: RewriteCall): Value[] {
  const count = intAttribute(node, "num_heads", 1);
  const [Q, K, V] = [0, 1, 2].map((i) => heads(g, inputs[i]!, count));
  const scale = floatAttribute(node, "scale", 0) || Q.shape[3] ** -0.5;
  const scores = g.matMul(g.mul(Q, scalarLike(g, scale, Q)), transposed(g, K));
  const bias = inputs[5];
  const P = softmax(g, bias ? g.add(scores, bias) : scores);
  const mixed = g.transpose(g.matMul(P, V), [0, 2, 1, 3]); // [B, L, heads, d]
  const [batch, tokens, , width] = mixed.shape;
  return [g.reshape(mixed, [batch, tokens, count * width])];
}

function softmax(g: GraphBuilder, scores: Value): Value {
  if (scores.dtype === "float32") return g.softmax(scores);
  return g.cast(g.softmax(g.cast(scores, "float32")), scores.dtype);
}
