/** Batches put together and taken apart along their first axis. */
import {
  arrayOf,
  type DType,
  float32,
  sizeOf,
  type Tensor,
  tensor,
} from "./tensor.ts";

/** Arrays of one length, one after another. */
export function joinedArrays(arrays: readonly Float32Array[]): Float32Array {
  const [{ length }] = arrays;
  const all = new Float32Array(arrays.length * length);
  arrays.forEach((each, i) => all.set(each, i * length));
  return all;
}

/** Batches of one type and shape, `[B, ...]` each, as one, `[n B, ...]`. */
export function joined<D extends DType>(
  batches: readonly Tensor<D>[],
): Tensor<D> {
  const [{ dtype, shape: [batch, ...element], data: { length } }] = batches;
  const all = new arrayOf[dtype](batches.length * length);
  batches.forEach(({ data }, i) => all.set(data as never, i * length));
  return tensor(dtype, [batches.length * batch, ...element], all);
}

/** Tensors of one shape `[...]` as a batch, `[n, ...]`. */
export function stacked(
  tensors: readonly Tensor<"float32">[],
): Tensor<"float32"> {
  const [{ shape }] = tensors;
  const data = joinedArrays(tensors.map(({ data }) => data));
  return float32([tensors.length, ...shape], data);
}

/** The n tensors of a batch `[n, ...]`; they share its data. */
export function unstacked(
  { shape: [n, ...shape], data }: Tensor<"float32">,
): Tensor<"float32">[] {
  const size = sizeOf(shape);
  return Array.from(
    { length: n },
    (_, i) => float32(shape, data.subarray(i * size, (i + 1) * size)),
  );
}
