/** Elements of a float32 weight, wherever they are. */
import { readRange } from "../files/byte_range.ts";
import type { Initializer } from "../onnx/graph.ts";
import { widenedTensor } from "../onnx/file/stored_floats.ts";

/** @throws {RangeError} If there are none, or the file ends before the weight. */
export function floatsOf(initializer: Initializer): Float32Array {
  const { name, data, file } = initializer;
  if (data) return data.data as Float32Array;
  if (!file) {
    throw new RangeError(`Cannot read weight "${name}": it has no data`);
  }
  const { path, offset, length, stored } = file;
  const bytes = readRange(path, { begin: offset, end: offset + length });
  return widenedTensor(initializer, bytes, stored).data as Float32Array;
}
