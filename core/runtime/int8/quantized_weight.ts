/** A weight in 8-bit integers, symmetric, with a scale a channel of the output. */
import type { FileRange, Initializer } from "../../onnx/graph.ts";
import { float32, type Tensor, tensor } from "../../tensor/tensor.ts";
import { floatsOf } from "../weight_floats.ts";

/**
 * The largest magnitude. CPUs without VNNI add two products of 8 bits in 16,
 * which saturate: 2 · 255 · 64 just fits. So all CPUs compute the same, one bit
 * coarser than eight hold.
 */
const largest = 64;

/** Weight ≈ `weight` `[K, N]` · `scales` `[N]`. */
export interface QuantizedWeight {
  readonly weight: Tensor<"int8">;
  readonly scales: Tensor<"float32">;
}

/** Graphs share many; those that lie as `[N, K]`, and the others. */
const [across, along] = [0, 1].map(() =>
  new WeakMap<Tensor | FileRange, QuantizedWeight>()
);

/**
 * A float32 weight in 8 bits.
 *
 * @param transposed Whether it lies as `[N, K]`.
 * @throws {RangeError} If it has no data, or its file ends before it.
 */
export function quantizedWeight(
  initializer: Initializer,
  transposed: boolean,
): QuantizedWeight {
  const source = initializer.data ?? initializer.file;
  const known = transposed ? across : along;
  const found = source && known.get(source);
  if (found) return found;
  const made = quantized(initializer, transposed);
  if (source) known.set(source, made);
  return made;
}

function quantized(
  initializer: Initializer,
  transposed: boolean,
): QuantizedWeight {
  const floats = floatsOf(initializer);
  const { shape } = initializer;
  const [K, N] = transposed ? shape.toReversed() : shape;
  const [alongK, alongN] = transposed ? [1, K] : [N, 1];
  const weight = new Int8Array(K * N);
  const scales = new Float32Array(N);
  for (let n = 0; n < N; n++) {
    let most = 0;
    for (let k = 0; k < K; k++) {
      most = Math.max(most, Math.abs(floats[k * alongK + n * alongN]));
    }
    scales[n] = most / largest;
    const factor = most === 0 ? 0 : largest / most;
    for (let k = 0; k < K; k++) {
      weight[k * N + n] = Math.round(floats[k * alongK + n * alongN] * factor);
    }
  }
  return {
    weight: tensor("int8", [K, N], weight),
    scales: float32([N], scales),
  };
}
