/** Small systems of normal equations, in float64. */

/** The rows of a symmetric matrix. */
export type Matrix = readonly (readonly number[])[];

/** The factor L in A + ridge · diag(A) = D L Lᵀ D with D² = diag(A), so that the unknowns' scale drops out. */
export class Cholesky {
  readonly #lower: number[][] = [];
  readonly #roots: readonly number[];

  constructor(matrix: Matrix, ridge: number) {
    const roots = matrix.map((row, i) => Math.sqrt(row[i]) || 1);
    this.#roots = roots;
    matrix.forEach((row, i) => {
      const own: number[] = [];
      for (let j = 0; j <= i; j++) {
        let rest = row[j] / (roots[i] * roots[j]) + (i === j ? ridge : 0);
        for (let k = 0; k < j; k++) {
          rest -= own[k] * (i === j ? own[k] : this.#lower[j][k]);
        }
        own.push(
          i === j ? Math.sqrt(Math.max(rest, 1e-14)) : rest / this.#lower[j][j],
        );
      }
      this.#lower.push(own);
    });
  }

  /** Solves A x = y for x. */
  solve(y: readonly number[]): number[] {
    return this.unwhitened(this.whitenedGradient(y));
  }

  /** The unknowns D⁻¹ L⁻ᵀ z of whitened ones z, in which all directions count the same. */
  unwhitened(z: readonly number[]): number[] {
    const x = [...z];
    for (let i = z.length - 1; i >= 0; i--) {
      for (let k = i + 1; k < z.length; k++) x[i] -= this.#lower[k][i] * x[k];
      x[i] /= this.#lower[i][i];
    }
    return x.map((value, i) => value / this.#roots[i]);
  }

  /** The gradient with respect to z, L⁻¹ D⁻¹ g, from the gradient g with respect to x. */
  whitenedGradient(g: readonly number[]): number[] {
    const z: number[] = [];
    this.#lower.forEach((row, i) => {
      let rest = g[i] / this.#roots[i];
      for (let k = 0; k < i; k++) rest -= row[k] * z[k];
      z.push(rest / row[i]);
    });
    return z;
  }
}
