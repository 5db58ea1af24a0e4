/**
 * Biases on the scores of attention: 0 for a key that a query may attend to, the
 * lowest float for all others. A query that may attend to no key weighs all keys
 * alike, as in transformers.
 */
import type { GraphBuilder } from "../../onnx/builder.ts";
import type { Value } from "../../onnx/graph.ts";
import { float32 } from "../../tensor/tensor.ts";

const lowest = -3.4028234663852886e38;

/** The mask by which each token attends to itself and earlier tokens, `[1, 1, L, L]`. */
export function causalMask(g: GraphBuilder, length: number): Value {
  const data = Float32Array.from(
    { length: length * length },
    (_, i) => i % length > Math.floor(i / length) ? lowest : 0,
  );
  return g.constant(float32([1, 1, length, length], data));
}

/**
 * The mask by which no token attends to padding.
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
