/** Least squares of a target on few elements, from their inner products alone. */
import { Cholesky } from "../search/learned_solver/cholesky.ts";
import { addProducts } from "../search/learned_solver/gram.ts";

/** The ridge, relative to each element's square. */
const ridge = 1e-10;

/** The least error that float32 tells from zero. */
const leastError = 1e-12;

/** Inner products of elements, summed over all calls of `add`. */
export class Products {
  readonly #sums: number[][] = [];

  /** @param elements The elements, in the same number and order at each call. */
  add(elements: readonly Float32Array[]): void {
    addProducts(this.#sums, elements);
  }

  /** The error |target − Σ weight · element|² over |target|². */
  errorOf(
    target: number,
    weights: readonly (readonly [element: number, weight: number])[],
  ): number {
    const terms = [[target, -1] as const, ...weights];
    let sum = 0;
    for (const [i, a] of terms) {
      for (const [j, b] of terms) sum += a * b * this.#sums[i][j];
    }
    return Math.max(sum / this.#sums[target][target], leastError);
  }

  /** The least {@linkcode errorOf} over all weights of some elements. */
  leastError(target: number, elements: readonly number[]): number {
    const matrix = elements.map((i) => elements.map((j) => this.#sums[i][j]));
    const right = elements.map((i) => this.#sums[i][target]);
    const solved = new Cholesky(matrix, ridge).solve(right);
    return this.errorOf(target, elements.map((i, k) => [i, solved[k]]));
  }
}
