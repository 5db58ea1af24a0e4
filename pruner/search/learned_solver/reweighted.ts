/**
 * Least squares for the mean log error of pictures: each picture is weighed by the
 * inverse of its error in the round before (iteratively reweighted least squares), so
 * that the sum of the errors' logarithms falls from round to round. With equal
 * weights, one picture that went astray rules the fit of all.
 */
import { range, sum } from "../../numbers.ts";
import { Cholesky, type Matrix } from "./cholesky.ts";
import type { SolverSpace } from "./solver_space.ts";

/** Mean products of one picture at one node. */
export interface PictureProducts {
  /** Of elements with each other. */
  readonly elements: Matrix;
  /** Of elements with the target. */
  readonly target: readonly number[];
  /** Of the target with itself. */
  readonly square: number;
}

/** The ridges, relative to each coordinate's square: the whitening of the refinement is softer. */
const ridge = { solved: 1e-7, whitened: 1e-6 };

const rounds = 4;

/** Part of the median error, added to each error: pictures that are met exactly weigh no more than this allows. */
const floor = 0.1;

/** Solves a node's coordinates, and whitens them by the last round's products; `errors` are the pictures'. */
export function reweighted(
  space: Pick<SolverSpace, "products" | "toCoordinates" | "elementWeights">,
  node: number,
  pictures: readonly PictureProducts[],
): {
  readonly coordinates: number[];
  readonly whitening: Cholesky;
  readonly errors: readonly number[];
} {
  let weights = pictures.map(() => 1 / pictures.length);
  for (let round = 1;; round++) {
    const { elements, target } = weighted(pictures, weights);
    const own = space.products(node, elements);
    const coordinates = new Cholesky(own, ridge.solved)
      .solve(space.toCoordinates(node, target));
    const combined = space.elementWeights(node, coordinates);
    const errors = pictures.map((own) => errorOf(own, combined));
    if (round === rounds) {
      const whitening = new Cholesky(own, ridge.whitened);
      return { coordinates, whitening, errors };
    }
    weights = inverses(errors);
  }
}

/** The sum of pictures' products with weights. */
function weighted(
  pictures: readonly PictureProducts[],
  weights: readonly number[],
) {
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
