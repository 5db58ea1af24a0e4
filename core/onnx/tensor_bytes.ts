/** Tensors from raw bytes, row-major and little-endian, as ONNX files and safetensors hold them. */
import {
  bytesPerElement,
  type DataOf,
  describe,
  type DType,
  sizeOf,
  type Tensor,
} from "../tensor.ts";
import type { Value } from "./graph.ts";

const arrays: {
  readonly [D in DType]: new (
    buffer: ArrayBufferLike,
    offset: number,
    length: number,
  ) => DataOf[D];
} = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};

/**
 * The tensor that `bytes` hold. It is a view of them where they are aligned to
 * the element size, else a copy.
 *
 * @throws {RangeError} If their number does not fit the value's shape; the message names the value.
 */
export function tensorOfBytes(value: Value, bytes: Uint8Array): Tensor {
  const { name, dtype, shape } = value;
  const expected = sizeOf(shape) * bytesPerElement[dtype];
  if (bytes.byteLength !== expected) {
    throw new RangeError(
      `Cannot read "${name}" ${
        describe(value)
      }: found ${bytes.byteLength} bytes, expected ${expected}`,
    );
  }
  const aligned = bytes.byteOffset % bytesPerElement[dtype] === 0;
  const { buffer, byteOffset } = aligned ? bytes : bytes.slice();
  return {
    dtype,
    shape,
    data: new arrays[dtype](buffer, byteOffset, sizeOf(shape)),
  };
}
