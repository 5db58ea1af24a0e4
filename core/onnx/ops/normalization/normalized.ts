/** Layer and instance normalisation share y = x̂ ⊙ scale + bias with x̂ = (x − μ) r, r = 1/√(σ² + ε). */
import { sizeOf } from "../../../tensor/tensor.ts";
import type { Value } from "../../graph.ts";
import type { Operations } from "../../operations.ts";
import type { MacsRule } from "../operator.ts";

/** 2 an element if the scale is a parameter; 1 if it is a constant, so that the norm is not affine. */
export const normMacs: MacsRule = ({ inputs: [x], isWeight }) => ({
  norm: sizeOf(x!.shape) * (isWeight(1) ? 2 : 1),
});

/** Whether x is a constant and every element of it is `value`. */
export function isFilled(
  g: Operations,
  { name }: Value,
  value: number,
): boolean {
  const data = g.initializer(name)?.data?.data;
  return data !== undefined &&
    Array.prototype.every.call(data, (v) => v === value);
}

/**
 * The cotangent of x, with ĝ = dy ⊙ scale and means over the normalised axes:
 *
 *   dx = r (ĝ − mean(ĝ) − x̂ mean(ĝ ⊙ x̂))
 */
export function normalizedCotangent(
  g: Operations,
  { slope, normalized, inverseDeviation, axes }: {
    /** ĝ. */
    readonly slope: Value;
    /** x̂. */
    readonly normalized: Value;
    /** r. */
    readonly inverseDeviation: Value;
    readonly axes: readonly number[];
  },
): Value {
  const mean = g.reduceMean(g.mul(slope, normalized), { axes });
  const projected = g.mul(normalized, mean);
  const centred = g.sub(slope, g.reduceMean(slope, { axes }));
  return g.mul(g.sub(centred, projected), inverseDeviation);
}
