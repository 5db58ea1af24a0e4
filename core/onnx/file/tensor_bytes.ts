/** Tensors from raw bytes, row-major and little-endian, as ONNX files and safetensors hold them. */
import {
  arrayOf,
  bytesPerElement,
  describe,
  sizeOf,
  type Tensor,
} from "../../tensor/tensor.ts";
import type { Value } from "../graph.ts";

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
    data: new arrayOf[dtype](buffer, byteOffset, sizeOf(shape)),
  };
}
