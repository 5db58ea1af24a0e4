/** A unit's gate as nodes: the value that the unit yields. */
import type { GraphBuilder, Value } from "@dip-go/core/onnx";

/**
 * Emits gate · computed + (1 − gate) · payload.
 *
 * @param gate `[1]`, or `[B, 1, …]` for one gate a row; then each row's gate has its own gradient.
 */
export const gatedValue = (
  g: GraphBuilder,
  { computed, payload, gate }: {
    readonly computed: Value;
    readonly payload: Value;
    readonly gate: Value;
  },
): Value => g.add(payload, g.mul(gate, g.sub(computed, payload)));
