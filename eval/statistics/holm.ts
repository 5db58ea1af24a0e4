/** Judges many differences at once, by Holm's step-down rule (Scandinavian Journal of Statistics 1979). */
import { normalQuantile, normalShare } from "./distributions.ts";

/** A difference and its 95 % interval. */
export interface JudgedDifference {
  readonly difference: number;
  readonly low: number;
  readonly high: number;
}

/** The two-sided p-value of a difference, from the side of its 95 % interval that faces 0. */
export function pValue({ difference, low, high }: JudgedDifference): number {
  const side = difference > 0 ? difference - low : high - difference;
  if (difference === 0) return 1;
  const z = Math.abs(difference) / side * normalQuantile(0.975);
  return 2 * normalShare(-z);
}

/**
 * Tells which p-values are significant together, with a chance of 5 % that any
 * of them is so by chance: the least is compared with 0.05 / m, the next with
 * 0.05 / (m − 1), up to the first that fails.
 */
export function holm(values: readonly number[]): boolean[] {
  const ascending = values.map((p, i) => ({ p, i }))
    .sort((a, b) => a.p - b.p);
  const failing = ascending.findIndex(({ p }, rank) =>
    p > 0.05 / (values.length - rank)
  );
  const count = failing === -1 ? values.length : failing;
  const significant = values.map(() => false);
  ascending.slice(0, count).forEach(({ i }) => significant[i] = true);
  return significant;
}
