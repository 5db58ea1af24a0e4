/** Shares and quantiles of the normal and of Student's distribution, precise enough for intervals. */

/** The share of the standard normal below z, to 1e-7 (Abramowitz and Stegun 1964, 26.2.17). */
export function normalShare(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const polynomial = [
    1.330274429,
    -1.821255978,
    1.781477937,
    -0.356563782,
    0.31938153,
    0,
  ].reduce((sum, coefficient) => sum * t + coefficient, 0);
  const tail = Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI) * polynomial;
  return z > 0 ? 1 - tail : tail;
}

/** The z below which a share of the standard normal lies, by bisection between -8 and 8. */
export function normalQuantile(share: number): number {
  let [low, high] = [-8, 8];
  for (let i = 0; i < 50; i++) {
    const middle = (low + high) / 2;
    if (normalShare(middle) < share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The quantile of Student's t: exact at 1 and 2 degrees of freedom, to 1 % from 3 on (Fisher and Cornish 1960). */
export function studentQuantile(share: number, freedom: number): number {
  if (freedom === 1) return Math.tan(Math.PI * (share - 0.5));
  if (freedom === 2) {
    return (2 * share - 1) / Math.sqrt(2 * share * (1 - share));
  }
  const z = normalQuantile(share);
  return z + (z ** 3 + z) / (4 * freedom) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * freedom ** 3);
}
