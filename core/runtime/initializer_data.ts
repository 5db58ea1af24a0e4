/** Reads the data of an initializer from memory or from its file. */
import { readRange } from "../files/byte_range.ts";
import type { Initializer } from "../onnx/graph.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { tensorOfBytes, widenedOfBytes } from "../tensor/tensor_bytes.ts";

/** An initializer's tensor; stored floats are widened. @throws {RangeError} If there are no data, or too few. */
export function tensorOf(initializer: Initializer): Tensor {
  const { name, data, file } = initializer;
  if (data) return data;
  if (!file) {
    throw new RangeError(`Cannot read weight "${name}": it has no data`);
  }
  const { path, offset, length, stored } = file;
  const bytes = readRange(path, { begin: offset, end: offset + length });
  return stored
    ? widenedOfBytes(initializer, bytes, stored)
    : tensorOfBytes(initializer, bytes);
}
