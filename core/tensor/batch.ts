/** Joins tensors, most of them batches, and splits batches. */
import { type DType, float32, sizeOf, type Tensor, zeros } from "./tensor.ts";

/** Joins arrays of one length into one array. */
export function joinedArrays(arrays: readonly Float32Array[]): Float32Array {
  const [{ length }] = arrays;
  const all = new Float32Array(arrays.length * length);
  arrays.forEach((each, i) => all.set(each, i * length));
  return all;
}

/** Joins tensors of one dtype along an axis; their other axes are equal. */
export function joinedAlong<D extends DType>(
  axis: number,
  parts: readonly Tensor<D>[],
): Tensor<D> {
  const [{ dtype, shape }] = parts;
  const size = parts.reduce((sum, part) => sum + part.shape[axis], 0);
  const rows = sizeOf(shape.slice(0, axis));
  const all = zeros(shape.with(axis, size), dtype);
  let at = 0;
  for (let row = 0; row < rows; row++) {
    for (const { data } of parts) {
      const width = data.length / rows;
      const own = data.subarray(row * width, (row + 1) * width);
      all.data.set(own as never, at);
      at += width;
    }
  }
  return all;
}

/** Joins batches `[B, ...]` of one dtype and element shape, with any B each, into one `[n, ...]`. */
export const joined = <D extends DType>(
  batches: readonly Tensor<D>[],
): Tensor<D> => joinedAlong(0, batches);

/** Joins the channels of two batches of maps: `[B, C, ...]` and `[B, D, ...]` → `[B, C + D, ...]`. */
export const joinedChannels = (
  a: Tensor<"float32">,
  b: Tensor<"float32">,
): Tensor<"float32"> => joinedAlong(1, [a, b]);

/** The first n elements of a batch `[B, ...]`, or all if it has fewer; they share its data. */
export function firstOf(
  { shape: [batch, ...element], data }: Tensor<"float32">,
  n: number,
): Tensor<"float32"> {
  const kept = Math.min(n, batch);
  const values = data.subarray(0, kept * sizeOf(element));
  return float32([kept, ...element], values);
}

/** Stacks n tensors of one shape `[...]` into a batch `[n, ...]`. */
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
