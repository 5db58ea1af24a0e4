/** From two tensors and the limits of their kind to a row of the report. */
import {
  describe,
  float32,
  sameShape,
  type Tensor,
  tensor,
} from "@dip-go/core/tensor";

/** One tensor of one case, compared. */
export interface Conformance {
  readonly case: string;
  readonly tensor: string;
  /** Largest absolute error; NaN where either tensor has one. */
  readonly maxAbs: number;
  /** maxAbs over the recorded tensor's largest magnitude; maxAbs itself where that is 0. */
  readonly relative: number;
  /** The largest `relative` that is accepted. */
  readonly limit: number;
  readonly ok: boolean;
}

/** Accepted errors. */
export interface Limits {
  /** Relative to the recorded tensor's maximum. */
  readonly relative: number;
  /** Absolute; undefined where only the relative error counts. */
  readonly maxAbs?: number;
}

/** A tensor, numbers that are compared in float32, or one in float64. */
export type Numbers = Tensor | ArrayLike<number> | number;

function tensorOf(numbers: Numbers): Tensor {
  if (typeof numbers === "number") {
    return tensor("float64", [], Float64Array.of(numbers));
  }
  if ("dtype" in numbers) return numbers;
  return float32([numbers.length], Float32Array.from(numbers));
}

/**
 * The judge of a case: compares a tensor with the recorded one. A NaN is never ok.
 *
 * @returns A function that throws a `RangeError` if the shapes differ.
 */
export const judgeOf =
  (name: string, { relative: limit, maxAbs = Infinity }: Limits) =>
  (tensor: string, found: Numbers, expected: Numbers): Conformance => {
    const distance = difference(tensorOf(found), tensorOf(expected));
    const ok = distance.relative <= limit && distance.maxAbs <= maxAbs;
    return { case: name, tensor, ...distance, limit, ok };
  };

/**
 * How far a tensor is from the recorded one, element by element.
 *
 * @throws {RangeError} If the shapes differ.
 */
export function difference(
  found: Tensor,
  expected: Tensor,
): Pick<Conformance, "maxAbs" | "relative"> {
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
