/**
 * ONNX Runtime's MultiHeadAttention, O = P V with P = softmax(s Q Kᵀ + bias),
 * s = 1/√d by default; the bias is a mask, not a weight. In float16 the provider
 * still sums the softmax in float32.
 *
 * Shapes: Q, O `[B, L, D]`; K, V `[B, S, D]`; bias `[B or 1, h or 1, L, S]`.
 */
import { sameShape } from "../../../tensor/tensor.ts";
import type { Node, Value } from "../../graph.ts";
import type { GpuCall, Operator, ShapeCall } from "../operator.ts";
import { attentionCotangents } from "./attention_gradient.ts";
import { mergeHeads, splitHeads } from "./heads.ts";

export const multiHeadAttention: Operator = {
  shape(call) {
    const { node, x: q, input, fail } = call;
    const [k, v] = [input(1), input(2)];
    const heads = headsOf(node);
    if (q.shape.length !== 3 || q.shape[2] % heads !== 0) {
      fail(`query must be [B, L, D] with D divisible by ${heads} heads`);
    }
    const [B, L, D] = q.shape;
    const [, S] = k.shape;
    const width = v.shape[2];
    if (!sameShape(k.shape, [B, S, D]) || !sameShape(v.shape, [B, S, width])) {
      fail("key must be [B, S, D] and value [B, S, any width]");
    }
    checkBias(call, [B, heads, L, S]);
    return [{ dtype: q.dtype, shape: [B, L, width] }];
  },
  /** QKᵀ is B·L·S·D, its product with V is B·L·S·Dv. */
  macs({ inputs: [q, k, v] }) {
    const [B, L, D] = q!.shape;
    return { attention: B * L * k!.shape[1] * (D + v!.shape[2]) };
  },
  /** @throws {RangeError} If the bias's cotangent is wanted. */
  vjp({ g, node, x: q, inputs: [, k, v, , , bias], y, dy, wants }) {
    if (bias && wants(5)) {
      throw new RangeError(
        `Cannot differentiate "${node.name}" (MultiHeadAttention) with respect to its bias: only query, key and value have gradients`,
      );
    }
    const heads = headsOf(node);
    const scale = scaleOf(node, q.shape[2] / heads);
    const operands = { q, k: k!, v: v!, y, dy, bias: bias ?? null };
    return attentionCotangents(g, operands, { heads, scale });
  },
  domain: "com.microsoft",
  gpu: (call) => call.traits.fusedAttention ? undefined : spelledOut(call),
};

const headsOf = (node: Node): number => node.attributes.num_heads ?? 1;

/** The scale s of the scores of heads of width `d`; attribute 0 means the default, 1/√d. */
const scaleOf = (node: Node, d: number): number =>
  node.attributes.scale || 1 / Math.sqrt(d);

/** Requires the bias to have the scores' shape `[B, h, L, S]`, or 1 for batch or heads. */
function checkBias(
  { inputs, fail }: ShapeCall,
  scores: readonly number[],
): void {
  const bias = inputs[5]?.shape;
  const fits = !bias || bias.length === 4 &&
      bias.every((n, i) => n === scores[i] || (n === 1 && i < 2));
  if (!fits) {
    fail(`bias is [${bias}], expected [${scores}], 1 for the first two`);
  }
}

/** Attention in other operators, with the softmax in float32. */
function spelledOut({ g, node, inputs }: GpuCall): Value[] {
  const heads = headsOf(node);
  const [Q, K, V] = inputs.slice(0, 3).map((x) => splitHeads(g, x!, { heads }));
  const scaled = g.mul(Q, g.scalar(scaleOf(node, Q.shape[3]), Q));
  const scores = g.matMul(scaled, g.transpose(K, [0, 1, 3, 2]));
  const masked = inputs[5] ? g.add(scores, inputs[5]) : scores;
  const P = masked.dtype === "float32"
    ? g.softmax(masked)
    : g.cast(g.softmax(g.cast(masked, "float32")), masked.dtype);
  return [mergeHeads(g, g.matMul(P, V))];
}
