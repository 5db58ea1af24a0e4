/** Interpolation by polynomials, whose integrals are the coefficients of linear multistep methods. */

/** Coefficients of a polynomial, the constant first. */
export type Polynomial = readonly number[];

/** The polynomials that are 1 at one of the nodes and 0 at the others. */
export function lagrangeBasis(nodes: readonly number[]): Polynomial[] {
  return nodes.map((own, j) =>
    nodes.reduce<Polynomial>(
      (product, node, k) =>
        k === j ? product : timesLinear(product, node, 1 / (own - node)),
      [1],
    )
  );
}

/** p(u) · scale · (u − root). */
const timesLinear = (p: Polynomial, root: number, scale: number): Polynomial =>
  Array.from(
    { length: p.length + 1 },
    (_, n) => scale * ((p[n - 1] ?? 0) - root * (p[n] ?? 0)),
  );

/** p(u). */
const valueAt = (p: Polynomial, u: number): number =>
  p.reduceRight((sum, coefficient) => sum * u + coefficient, 0);

/** ∫ p(u) du from `from` to `to`. */
export function integral(p: Polynomial, from: number, to: number): number {
  const antiderivative = [0, ...p.map((c, n) => c / (n + 1))];
  return valueAt(antiderivative, to) - valueAt(antiderivative, from);
}

/** ∫ p(u) eᵘ du from `from` to `to`: by parts, the antiderivative is (p − p' + p'' − …) eᵘ. */
export function exponentialIntegral(
  p: Polynomial,
  from: number,
  to: number,
): number {
  const derivative = (q: Polynomial) => q.slice(1).map((c, n) => c * (n + 1));
  const at = (u: number) => {
    let [sum, sign] = [0, 1];
    for (let q = p; q.length > 0; q = derivative(q), sign = -sign) {
      sum += sign * valueAt(q, u);
    }
    return sum * Math.exp(u);
  };
  return at(to) - at(from);
}
