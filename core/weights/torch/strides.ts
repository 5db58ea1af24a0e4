/** Tensors that are views of a storage, with any element distance along each dimension, as PyTorch saves them. */
import { sizeOf } from "../../tensor/tensor.ts";

/** A view of a storage: index i lies at offset + i · strides. */
export interface StridedShape {
  readonly shape: readonly number[];
  /** Distances of elements along each dimension; never negative. */
  readonly strides: readonly number[];
}

/** Whether the elements lie in row-major order without gaps. */
export function isRowMajor({ shape, strides }: StridedShape): boolean {
  if (shape.includes(0)) return true;
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] === 1) continue; // nothing lies beside it
    if (strides[axis] !== expected) return false;
    expected *= shape[axis];
  }
  return true;
}

/** The number of elements from the first to the last, both included. */
export function spanOf({ shape, strides }: StridedShape): number {
  if (shape.includes(0)) return 0;
  return shape.reduce((span, dim, axis) => span + (dim - 1) * strides[axis], 1);
}

const words = {
  1: Uint8Array,
  2: Uint16Array,
  4: Uint32Array,
  8: BigUint64Array,
} as const;

/**
 * Copies the elements in row-major order.
 *
 * @param span The bytes of {@linkcode spanOf} elements, at the start of their buffer.
 */
export function rowMajor(
  span: Uint8Array<ArrayBuffer>,
  { shape, strides, elementBytes }: StridedShape & {
    readonly elementBytes: keyof typeof words;
  },
): Uint8Array<ArrayBuffer> {
  const source = new words[elementBytes](span.buffer);
  const result = new words[elementBytes](sizeOf(shape));
  const last = shape.length - 1;
  let next = 0;
  const copy = (axis: number, from: number) => {
    for (let i = 0; i < shape[axis]; i++, from += strides[axis]) {
      if (axis === last) result[next++] = source[from];
      else copy(axis + 1, from);
    }
  };
  copy(0, 0);
  return new Uint8Array(result.buffer);
}
