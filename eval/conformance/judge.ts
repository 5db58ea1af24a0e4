/** Compares two tensors under the limits of their kind, which gives a row of the report. */
import {
  describe,
  float32,
  sameShape,
  type Tensor,
  tensor,
} from "@dip-go/core/tensor";

/** The comparison of one tensor of a case, or a case that could not be run. */
export interface Conformance {
  readonly case: string;
  readonly tensor: string;
  /** The largest absolute error; NaN if either tensor has a NaN. */
  readonly maxAbs: number;
  /** `maxAbs` over the recorded tensor's largest magnitude; `maxAbs` itself if that magnitude is 0. */
  readonly relative: number;
  /** The largest accepted `relative`; undefined if any is accepted. */
  readonly limit?: number;
  /** The largest accepted `maxAbs`; undefined if any is accepted. */
  readonly maxAbsLimit?: number;
  /** Whether the numbers are whole or must be exact: their limits then hold under any requested tolerance. */
  readonly whole: boolean;
  readonly ok: boolean;
  /** The reason why the case could not be run. */
  readonly error?: string;
}

/** The largest accepted errors; a missing limit accepts any error. */
export interface Limits {
  /** The error over the recorded tensor's largest magnitude. */
  readonly relative?: number;
  readonly maxAbs?: number;
}

/** Makes the row of a case that could not be run. */
export function failure(name: string, error: string): Conformance {
  const nothing = { maxAbs: NaN, relative: NaN, whole: false };
  return { case: name, tensor: "", ...nothing, ok: false, error };
}

/** A tensor, an array that is compared in float32, or one number that is compared in float64. */
export type Numbers = Tensor | ArrayLike<number> | number;

function tensorOf(numbers: Numbers): Tensor {
  if (typeof numbers === "number") {
    return tensor("float64", [], Float64Array.of(numbers));
  }
  if ("dtype" in numbers) return numbers;
  return float32([numbers.length], Float32Array.from(numbers));
}

/**
 * Makes the judge of a case, which compares a tensor with the recorded one. A NaN is never ok.
 *
 * @returns The judge; it throws a `RangeError` if the shapes differ.
 */
export const judgeOf =
  (name: string, { relative: limit, maxAbs: maxAbsLimit }: Limits) =>
  (tensor: string, found: Numbers, expected: Numbers): Conformance => {
    const recorded = tensorOf(expected);
    const what = `${tensor} of ${name}`;
    const distance = difference(tensorOf(found), recorded, what);
    const ok = distance.relative <= (limit ?? Infinity) &&
      distance.maxAbs <= (maxAbsLimit ?? Infinity);
    const whole = limit === 0 || !recorded.dtype.startsWith("float");
    const limits = { limit, maxAbsLimit, whole };
    return { case: name, tensor, ...distance, ...limits, ok };
  };

/**
 * Measures how far a tensor is from the recorded one, element by element.
 *
 * @param what The tensor's name, for the error.
 * @throws {RangeError} If the shapes differ.
 */
export function difference(
  found: Tensor,
  expected: Tensor,
  what = "tensors",
): Pick<Conformance, "maxAbs" | "relative"> {
  if (!sameShape(found.shape, expected.shape)) {
    throw new RangeError(
      `Cannot compare ${what}: found ${describe(found)}, expected ${
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
