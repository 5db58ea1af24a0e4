/**
 * Makers of a payload's coefficients from the distances of the computed steps.
 * Payloads are linear in the computed values; makers differ in the polynomial
 * that they fit, and in the point at which they evaluate it.
 */

/**
 * Makes the coefficients of a skipped step.
 *
 * @param distances Distances back to the computed steps, ascending: 1 is the step before.
 * @returns One number for each value that is read, newest first; at most as many as there are distances.
 */
export type PayloadMaker = (distances: readonly number[]) => readonly number[];

/** Holds: the newest value unchanged. */
export const hold: PayloadMaker = () => [1];

/** Newton's interpolation: the polynomial through the last order + 1 values, at the skipped step. */
export const newton = (order: number): PayloadMaker => (distances) =>
  lagrange(distances.slice(0, order + 1), 0);

/**
 * The mean of Newton's polynomial over the skipped step, from 0 to 1, as Adams
 * and Bashforth integrate, for steps of any distances.
 *
 * @param order At most 3: Gauss's two points integrate a cubic exactly.
 */
export const adamsBashforth = (order: number): PayloadMaker => (distances) => {
  const read = distances.slice(0, order + 1);
  const off = 1 / Math.sqrt(12);
  const [before, after] = [
    lagrange(read, 0.5 - off),
    lagrange(read, 0.5 + off),
  ];
  return before.map((c, j) => (c + after[j]) / 2);
};

/** Backward differences with weights k^i / i!, k the newest value's distance (TaylorSeer, arXiv 2503.06923). */
export const taylor = (order: number): PayloadMaker =>
  series(order, (i, k) => k ** i);

/** As {@linkcode taylor} with σ^i H_i(σ k) for k^i, H the physicists' Hermite polynomials (HiCache, arXiv 2508.16984). */
export const hermite = (
  order: number,
  { sigma = 0.5 }: { readonly sigma?: number } = {},
): PayloadMaker =>
  series(order, (i, k) => sigma ** i * hermiteAt(i, sigma * k));

/** The Lagrange weights of values at −distance, for the value of their polynomial at `at`. */
function lagrange(distances: readonly number[], at: number): number[] {
  return distances.map((own, j) =>
    distances.reduce(
      (weight, other, m) =>
        m === j ? weight : weight * (at + other) / (other - own),
      1,
    )
  );
}

/** Σ weight(i, k) / i! · f_i: f_0 the values, f_(i+1) the difference of the last two f_i over the distance between their steps. */
const series =
  (order: number, weight: (i: number, k: number) => number): PayloadMaker =>
  (distances) => {
    const read = distances.slice(0, order + 1);
    /** f_i at each computed step, as weights of the values. */
    let f = read.map((_, m) => read.map((_, j) => Number(j === m)));
    const total = read.map(() => 0);
    let factorial = 1;
    for (let i = 0; f.length > 0; i++) {
      factorial *= i || 1;
      const share = weight(i, distances[0]) / factorial;
      f[0].forEach((w, j) => total[j] += share * w);
      f = f.slice(1).map((older, m) =>
        older.map((w, j) => (f[m][j] - w) / (distances[m + 1] - distances[m]))
      );
    }
    return total;
  };

/** H_i(x): H_0 = 1, H_1 = 2 x, H_(i+1) = 2 x H_i − 2 i H_(i−1). */
function hermiteAt(i: number, x: number): number {
  let [before, at] = [0, 1];
  for (let n = 0; n < i; n++) {
    [before, at] = [at, 2 * x * at - 2 * n * before];
  }
  return at;
}
