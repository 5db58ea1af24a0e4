/**
 * Biases on the scores of attention that keep tokens from being seen: 0 where
 * a token may look, the lowest float where it may not. A row that may look
 * nowhere then weighs all tokens alike, as in transformers.
 */
import type { GraphBuilder } from "../../onnx/builder.ts";
import type { Value } from "../../onnx/graph.ts";
import { float32 } from "../../tensor/tensor.ts";

const lowest = -3.4028234663852886e38;

/** Each token sees itself and those before it: `[1, 1, L, L]`. */
export function causalMask(g: GraphBuilder, length: number): Value {
  const data = Float32Array.from(
    { length: length * length },
    (_, i) => i % length > Math.floor(i / length) ? lowest : 0,
  );
  return g.constant(float32([1, 1, length, length], data));
}

/**
 * Nobody sees the padding.
 *
 * @param mask 1 for a token, 0 for padding, `[B, L]` (int64).
 * @param options.hidden The bias of padding; the lowest float by default.
 * @returns `[B, 1, 1, L]`.
 */
export function paddingMask(
  g: GraphBuilder,
  mask: Value,
  { hidden = lowest }: { hidden?: number } = {},
): Value {
  const [batch, length] = mask.shape;
  const padding = g.sub(g.scalar(1), g.cast(mask, "float32"));
  const bias = g.mul(padding, g.scalar(hidden));
  return g.reshape(bias, [batch, 1, 1, length]);
}
