/** Joins and splits batches along their first axis. */
import { type DType, float32, sizeOf, type Tensor, zeros } from "./tensor.ts";

/** Joins arrays of one length into one array. */
export function joinedArrays(arrays: readonly Float32Array[]): Float32Array {
  const [{ length }] = arrays;
  const all = new Float32Array(arrays.length * length);
  arrays.forEach((each, i) => all.set(each, i * length));
  return all;
}

/** Joins batches `[B, ...]` of one dtype and element shape, with any B each, into one `[n, ...]`. */
export function joined<D extends DType>(
  batches: readonly Tensor<D>[],
): Tensor<D> {
  const [{ dtype, shape: [, ...element] }] = batches;
  const count = batches.reduce((sum, { shape: [own] }) => sum + own, 0);
  const all = zeros([count, ...element], dtype);
  let at = 0;
  for (const { data } of batches) {
    all.data.set(data as never, at);
    at += data.length;
  }
  return all;
}

/** Joins the channels of two batches of maps: `[B, C, ...]` and `[B, D, ...]` → `[B, C + D, ...]`. */
export function joinedChannels(
  a: Tensor<"float32">,
  b: Tensor<"float32">,
): Tensor<"float32"> {
  const [batch, channels, ...size] = a.shape;
  const [own, other] = [a, b].map(({ data }) => data.length / batch);
  const data = new Float32Array(a.data.length + b.data.length);
  for (let i = 0; i < batch; i++) {
    const at = i * (own + other);
    data.set(a.data.subarray(i * own, (i + 1) * own), at);
    data.set(b.data.subarray(i * other, (i + 1) * other), at + own);
  }
  return float32([batch, channels + b.shape[1], ...size], data);
}

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
