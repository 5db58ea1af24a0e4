/**
 * Tensors on disk, whatever the file format: where each lies, and how it is
 * read. The byte ranges are what ONNX external data points at.
 */
import { type ByteRange, readRange } from "../files/byte_range.ts";
import type { Tensor } from "../tensor/tensor.ts";
import {
  safetensorsBytes,
  type SafetensorsDType,
} from "./safetensors_header.ts";
import { decodeStored, widenToFloat32 } from "./safetensors_values.ts";
import { rowMajor } from "./torch/strides.ts";

/** Where one tensor lies. */
export interface StoredTensor extends ByteRange {
  /** The file: of several, the one that holds this tensor. */
  readonly path: string;
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  /** Elements from one to the next along each dimension, where the range is not the tensor in row-major order. */
  readonly strides?: readonly number[];
  /** Whether the second half of the range comes before the first. */
  readonly swapsHalves?: true;
}

/** Tensors whose places were checked. It holds no open handle. */
export interface TensorFile {
  /** The file that was opened; of several, their index. */
  readonly path: string;
  /** By name, in the file's order. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /**
   * One tensor, read from its byte range. BF16 and both F8 become float32, exactly; the rest keep their dtype.
   *
   * @throws {RangeError} If there is no such tensor, or the file got shorter.
   * @throws {TypeError} If its dtype has no counterpart here.
   */
  read(name: string): Tensor;
  /**
   * One tensor of a float dtype in float32: exactly, but for F64, which is rounded.
   *
   * @throws {RangeError} As `read`.
   * @throws {TypeError} If its dtype is another one.
   */
  readFloat32(name: string): Tensor<"float32">;
}

/** The readers of tensors whose places are known and checked. */
export function tensorFile(
  path: string,
  tensors: ReadonlyMap<string, StoredTensor>,
): TensorFile {
  const origin = (name: string) =>
    `tensor "${name}" of ${tensors.get(name)?.path}`;
  return {
    path,
    tensors,
    read(name) {
      const stored = tensors.get(name);
      if (!stored) {
        throw new RangeError(
          `Cannot read tensor "${name}" of ${path}: found none of that name among ${tensors.size}`,
        );
      }
      const { dtype, shape, strides, swapsHalves } = stored;
      const range = readRange(stored.path, stored);
      const span = swapsHalves ? swapped(range) : range;
      const elementBytes = safetensorsBytes[dtype];
      const bytes = strides
        ? rowMajor(span, { shape, strides, elementBytes })
        : span;
      return decodeStored({ dtype, shape, bytes }, origin(name));
    },
    readFloat32(name) {
      return widenToFloat32(this.read(name), origin(name));
    },
  };
}

function swapped(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const half = bytes.length / 2;
  const result = new Uint8Array(bytes.length);
  result.set(bytes.subarray(half));
  result.set(bytes.subarray(0, half), half);
  return result;
}
