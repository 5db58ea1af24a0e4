/** Rows of a stored tensor, by byte range: original checkpoints join several weights in one. */
import type { StoredTensor } from "../tensor_file.ts";

/**
 * Splits a tensor into stacks of rows, one after another.
 *
 * @param shares The height of each stack, in parts of the whole.
 * @throws {RangeError} If the rows do not divide so, or do not lie one after another.
 */
export function stacksOf(
  name: string,
  tensor: StoredTensor,
  shares: readonly number[],
): StoredTensor[] {
  const { path, begin, end, shape: [rows, ...row], strides } = tensor;
  const total = shares.reduce((a, b) => a + b);
  if (rows % total !== 0 || strides) {
    throw new RangeError(
      `Cannot load ${path}: tensor "${name}" is [${tensor.shape}]${
        strides ? ` with strides ${strides}` : ""
      }, expected ${total} stacks of rows one after another`,
    );
  }
  const bytes = (end - begin) / total;
  let start = begin;
  return shares.map((share) => {
    const own = { begin: start, end: start + share * bytes };
    start = own.end;
    return { ...tensor, ...own, shape: [share * rows / total, ...row] };
  });
}
