/** From two tensors and the limits of their kind to a row of the report. */
import {
  describe,
  float32,
  sameShape,
  type Tensor,
  tensor,
} from "@dip-go/core/tensor";

/** One tensor of one case, compared; or a case that could not be run. */
export interface Conformance {
  readonly case: string;
  readonly tensor: string;
  /** Largest absolute error; NaN where either tensor has one. */
  readonly maxAbs: number;
  /** maxAbs over the recorded tensor's largest magnitude; maxAbs itself where that is 0. */
  readonly relative: number;
  /** The largest `relative` that is accepted, where it counts. */
  readonly limit?: number;
  /** The largest `maxAbs` that is accepted, where it counts. */
  readonly maxAbsLimit?: number;
  /** Whether the numbers are whole, so that their limits hold whatever tolerance is asked for. */
  readonly whole: boolean;
  readonly ok: boolean;
  /** Why the case could not be run. */
  readonly error?: string;
}

/** Accepted errors; what is missing does not count. */
export interface Limits {
  /** Relative to the recorded tensor's maximum. */
  readonly relative?: number;
  readonly maxAbs?: number;
}

/** The row of a case that could not be run. */
export function failure(name: string, thrown: unknown): Conformance {
  const error = thrown instanceof Error ? thrown.message : String(thrown);
  const nothing = { maxAbs: NaN, relative: NaN, whole: false };
  return { case: name, tensor: "", ...nothing, ok: false, error };
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
 * How far a tensor is from the recorded one, element by element.
 *
 * @param what Its name, for the error.
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
