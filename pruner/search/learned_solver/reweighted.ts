/**
 * Least squares for the mean log error of pictures: each picture is weighed by the
 * inverse of its error in the round before (iteratively reweighted least squares), so
 * that the sum of the errors' logarithms falls from round to round. With equal
 * weights, one picture that went astray rules the fit of all.
 */
import { dot, range, sum } from "../../numbers.ts";
import type { Matrix } from "./cholesky.ts";

/** Mean products of elements and a target. */
export interface Products {
  /** Of elements with each other. */
  readonly elements: Matrix;
  /** Of elements with the target. */
  readonly target: readonly number[];
}

/** Mean products of one picture. */
export interface PictureProducts extends Products {
  /** Of the target with itself. */
  readonly square: number;
}

/** The mean products of one picture's elements and target. */
export function productsOf(
  elements: readonly Float32Array[],
  target: Float32Array,
): PictureProducts {
  const mean = (a: Float32Array, b: Float32Array) => dot(a, b) / a.length;
  const lower = elements.map((a, i) =>
    elements.slice(0, i + 1).map((b) => mean(a, b))
  );
  return {
    elements: elements.map((_, a) =>
      elements.map((_, b) => lower[Math.max(a, b)][Math.min(a, b)])
    ),
    target: elements.map((own) => mean(own, target)),
    square: mean(target, target),
  };
}

const rounds = 4;

/** Part of the median error, added to each error: pictures that are met exactly weigh no more than this allows. */
const floor = 0.1;

/**
 * Solves for weights of the elements whose sum comes closest to the targets.
 *
 * @param solve Solves pictures' summed products; its result has the `weights` of elements.
 * @param errors The pictures' errors before the first round, by default equal.
 * @returns The last round's solution, and the pictures' `errors` under it.
 */
export function reweighted<
  Solved extends { readonly weights: readonly number[] },
>(
  pictures: readonly PictureProducts[],
  solve: (products: Products) => Solved,
  errors: readonly number[] = pictures.map(() => 1),
): Solved & { readonly errors: readonly number[] } {
  for (let round = 1;; round++) {
    const solved = solve(weighted(pictures, inverses(errors)));
    errors = pictures.map((own) => errorOf(own, solved.weights));
    if (round === rounds) return { ...solved, errors };
  }
}

/** The sum of pictures' products with weights. */
function weighted(
  pictures: readonly PictureProducts[],
  weights: readonly number[],
): Products {
  const weighed = (of: (picture: PictureProducts) => number) =>
    sum(pictures.map((picture, p) => weights[p] * of(picture)));
  const all = range(pictures[0].target.length);
  return {
    elements: all.map((a) =>
      all.map((b) => weighed(({ elements }) => elements[a][b]))
    ),
    target: all.map((a) => weighed(({ target }) => target[a])),
  };
}

/** The mean squared distance of a combination of elements from the target. */
function errorOf(
  { elements, target, square }: PictureProducts,
  weights: readonly number[],
): number {
  const error = weights.reduce((rest, weight, a) => {
    const own = sum(weights.map((other, b) => other * elements[a][b]));
    return rest + weight * (own - 2 * target[a]);
  }, square);
  return Math.max(error, 0);
}

/** Weights of sum 1, in inverse proportion to the errors. */
function inverses(errors: readonly number[]): number[] {
  const median = errors.toSorted((a, b) => a - b)[errors.length >> 1];
  const own = errors.map((error) => 1 / (error + floor * median + 1e-20));
  const total = sum(own);
  return own.map((weight) => weight / total);
}
