/** From two tensors and the limits of their kind to a row of the report. */
import type { Tensor } from "@dip-go/core/tensor";
import { difference } from "./difference.ts";
import type { Conformance } from "./cases/ops.ts";

/** Accepted errors. */
export interface Limits {
  /** Relative to the recorded tensor's maximum. */
  readonly relative: number;
  /** Absolute; undefined where only the relative error counts. */
  readonly maxAbs?: number;
}

/**
 * Compares a tensor with the recorded one. A NaN is never ok.
 *
 * @throws {RangeError} If the shapes differ.
 */
export function judge(
  name: { readonly case: string; readonly tensor: string },
  { found, expected, limits }: {
    readonly found: Tensor;
    readonly expected: Tensor;
    readonly limits: Limits;
  },
): Conformance {
  const distance = difference(found, expected);
  const ok = distance.relative <= limits.relative &&
    distance.maxAbs <= (limits.maxAbs ?? Infinity);
  return { ...name, ...distance, limit: limits.relative, ok };
}
