/**
 * Tensors on the host: a dtype, a shape and a row-major typed array. They know
 * neither ONNX nor file formats, whose modules convert from and to tensors.
 */

/** The typed array of each element type, by its name in ONNX Runtime's JavaScript API; float16 as bit patterns. */
const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};

/** Element types. */
export type DType = keyof typeof arrays;

/** The typed array that holds each dtype. */
type DataOf = { [D in DType]: (typeof arrays)[D]["prototype"] };

/** The constructor of each dtype's typed array. */
export const arrayOf: {
  readonly [D in DType]: {
    new (length: number): DataOf[D];
    new (buffer: ArrayBufferLike, offset: number, length: number): DataOf[D];
  };
} = arrays;

/** Bytes of one element of each dtype. */
export const bytesPerElement = Object.fromEntries(
  Object.entries(arrays).map(([dtype, { BYTES_PER_ELEMENT }]) => [
    dtype,
    BYTES_PER_ELEMENT,
  ]),
) as Readonly<Record<DType, number>>;

/** A dense row-major tensor. Write only to `data` of tensors that you made: a graph's tensors are immutable. */
export interface Tensor<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: readonly number[];
  readonly data: DataOf[D];
}

/** The number of elements of a shape; 1 for a scalar's `[]`. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

/** `float32[2,4,16]`: how a dtype and shape read in an error message. */
export function describe(
  { dtype, shape }: { dtype: string; shape: readonly number[] },
): string {
  return `${dtype}[${shape.join(",")}]`;
}

/** Whether two shapes are equal. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

/** A tensor over `data`, not copied. @throws {RangeError} If `data` does not have the shape's size. */
export function tensor<D extends DType>(
  dtype: D,
  shape: readonly number[],
  data: DataOf[D],
): Tensor<D> {
  if (data.length !== sizeOf(shape)) {
    throw new RangeError(
      `Cannot make a tensor ${
        describe({ dtype, shape })
      }: data has ${data.length} elements, expected ${sizeOf(shape)}`,
    );
  }
  return { dtype, shape, data };
}

/** A float32 tensor from numbers or a `Float32Array` (the latter is not copied). */
export function float32(
  shape: readonly number[],
  data: Float32Array | readonly number[],
): Tensor<"float32"> {
  const array = data instanceof Float32Array ? data : Float32Array.from(data);
  return tensor("float32", shape, array);
}

/** An int64 tensor from integers. */
export function int64(
  shape: readonly number[],
  data: Iterable<number | bigint>,
): Tensor<"int64"> {
  return tensor("int64", shape, BigInt64Array.from(data, BigInt));
}

/** The bytes of an array, which share its memory. */
export const bytesOf = (
  { buffer, byteOffset, byteLength }: ArrayBufferView,
): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength);

/** A tensor of zeros, float32 by default. */
export const zeros = <D extends DType = "float32">(
  shape: readonly number[],
  dtype: D = "float32" as D,
): Tensor<D> => ({ dtype, shape, data: new arrayOf[dtype](sizeOf(shape)) });
