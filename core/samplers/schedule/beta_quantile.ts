/** Quantiles of the symmetric Beta distribution. */

/**
 * The x with I_x(a, a) = p, I the regularised incomplete beta function.
 *
 * The derivative of I_x is x^(a−1) (1−x)^(a−1) times a factor, which follows from
 * I_(1/2) = 1/2, so that no gamma function is needed.
 *
 * @param p The probability, 0 to 1.
 */
export function betaQuantile(p: number, a: number): number {
  if (p > 0.5) return 1 - betaQuantile(1 - p, a);
  if (p === 0) return 0;
  const wanted = 2 * p * unscaled(0.5, a);
  let [low, high] = [0, 0.5];
  // Bisection if a Newton step would leave the bracket.
  for (let x = 0.25, k = 0; k < 100; k++) {
    const error = unscaled(x, a) - wanted;
    if (error > 0) high = x;
    else low = x;
    const next = x - error / (x * (1 - x)) ** (a - 1);
    const inside = next > low && next < high ? next : (low + high) / 2;
    if (Math.abs(inside - x) <= 1e-16 * x) return inside;
    x = inside;
  }
  return (low + high) / 2;
}

/** ∫₀ˣ (u (1 − u))^(a−1) du for x up to 1/2: x^a (1−x)^a / a · Σ Π (2a + n) / (a + 1 + n) xⁿ, DLMF 8.17.8. */
function unscaled(x: number, a: number): number {
  let [term, sum] = [1, 0];
  for (let n = 0; term > 1e-17 * sum; n++) {
    sum += term;
    term *= (2 * a + n) / (a + 1 + n) * x;
  }
  return (x * (1 - x)) ** a / a * sum;
}
