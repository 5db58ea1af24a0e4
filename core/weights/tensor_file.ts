/**
 * Tensors on disk, whatever the file format: the place of each, and its reader.
 * ONNX external data points at the byte ranges.
 */
import { type ByteRange, readRange } from "../files/byte_range.ts";
import type { Tensor } from "../tensor/tensor.ts";
import {
  safetensorsBytes,
  type SafetensorsDType,
} from "./safetensors_header.ts";
import { decodeStored, widenToFloat32 } from "./safetensors_values.ts";
import { rowMajor } from "./torch/strides.ts";

export interface StoredTensor extends ByteRange {
  /** The file that holds the tensor; in an index, one of several. */
  readonly path: string;
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  /** Distances of elements along each dimension, if the range is not the tensor in row-major order. */
  readonly strides?: readonly number[];
  /** Whether the second half of the elements, in row-major order, comes before the first. */
  readonly swapsHalves?: true;
}

/** The tensors of a file, with checked byte ranges. It holds no open handle. */
export interface TensorFile {
  /** The path of the file, or of the index of several files. */
  readonly path: string;
  /** Tensors by name, in the file's order. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** The free strings of a safetensors header; undefined in other files. */
  readonly metadata?: Readonly<Record<string, string>>;
  /**
   * Reads one tensor. BF16 and both F8 become float32, exactly; others stay.
   *
   * @throws {RangeError} If there is no such tensor, or the file got shorter.
   * @throws {TypeError} If the tensor's dtype has no counterpart here.
   */
  read(name: string): Tensor;
  /**
   * Reads one tensor of a float dtype as float32: exactly, but F64 rounded.
   *
   * @throws {RangeError} As `read`.
   * @throws {TypeError} If the tensor has no float dtype.
   */
  readFloat32(name: string): Tensor<"float32">;
}

/** Makes the readers of tensors whose byte ranges are checked. */
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
      const span = readRange(stored.path, stored);
      const elementBytes = safetensorsBytes[dtype];
      const inOrder = strides
        ? rowMajor(span, { shape, strides, elementBytes })
        : span;
      const bytes = swapsHalves ? swapped(inOrder) : inOrder;
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
