/** A unit's gate as a node: what it yields. */
import type { GraphBuilder, Value } from "@dip-go/core/onnx";

/**
 * gate · computed + (1 − gate) · payload.
 *
 * @param gate `[1]`, or `[B, 1, …]` for one gate a row; the gradient of a row's gate is its own.
 */
export const gatedValue = (
  g: GraphBuilder,
  { computed, payload, gate }: {
    readonly computed: Value;
    readonly payload: Value;
    readonly gate: Value;
  },
): Value => g.add(payload, g.mul(gate, g.sub(computed, payload)));
