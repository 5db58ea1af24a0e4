/** How far a tensor is from the recorded one. */
import { describe, sameShape, type Tensor } from "@dip-go/core/tensor";

/** Two measures of the same distance. */
export interface Difference {
  /** Largest absolute error; NaN where either tensor has one. */
  readonly maxAbs: number;
  /** maxAbs over the recorded tensor's largest magnitude; maxAbs itself where that is 0. */
  readonly relative: number;
}

/**
 * Compares a tensor with the recorded one, element by element.
 *
 * @throws {RangeError} If the shapes differ.
 */
export function difference(found: Tensor, expected: Tensor): Difference {
  if (!sameShape(found.shape, expected.shape)) {
    throw new RangeError(
      `Cannot compare tensors: found ${describe(found)}, expected ${
        describe(expected)
      }`,
    );
  }
  let maxAbs = 0;
  let largest = 0;
  for (let i = 0; i < expected.data.length; i++) {
    const value = Number(expected.data[i]);
    // Math.max keeps a NaN, so one bad element is not lost.
    maxAbs = Math.max(maxAbs, Math.abs(Number(found.data[i]) - value));
    largest = Math.max(largest, Math.abs(value));
  }
  return { maxAbs, relative: largest === 0 ? maxAbs : maxAbs / largest };
}
