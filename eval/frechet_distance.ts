/** The Fréchet distance between two normal distributions (Dowson and Landau, 1982), in float64. */
import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import type { Normal } from "./feature_statistics.ts";

/**
 * |m₁ − m₂|² + tr S₁ + tr S₂ − 2 tr √(S₁ S₂). The trace of the root is taken of
 * the symmetric √S₁ S₂ √S₁, which has the same eigenvalues: none is imaginary,
 * and where the covariances are singular no offset is needed.
 *
 * @throws {RangeError} If they differ in width.
 */
export const frechetDistance = (a: Normal, b: Normal): number =>
  frechetDistanceTo(a)(b);

/**
 * The same from one distribution to several: its root is taken once.
 *
 * @throws {RangeError} If two differ in width, by the returned function.
 */
export function frechetDistanceTo(a: Normal): (b: Normal) => number {
  const width = a.mean.length;
  const matrix = ({ covariance }: Normal) =>
    Matrix.from1DArray(width, width, covariance);
  const first = matrix(a);
  const root = rootOf(first);
  return (b) => {
    if (b.mean.length !== width) {
      throw new RangeError(
        `Cannot compare features: they have ${width} and ${b.mean.length} numbers, expected the same`,
      );
    }
    const second = matrix(b);
    const between = a.mean.reduce(
      (sum, value, i) => sum + (value - b.mean[i]) ** 2,
      0,
    );
    return between + first.trace() + second.trace() -
      2 * traceOfRoot(root, second);
  };
}

/** V √Λ of a covariance V Λ Vᵀ. */
function rootOf(covariance: Matrix): Matrix {
  const { eigenvectorMatrix: vectors, realEigenvalues } =
    new EigenvalueDecomposition(covariance, { assumeSymmetric: true });
  return vectors.mulRowVector(
    realEigenvalues.map((value) => Math.sqrt(Math.max(value, 0))),
  );
}

/** tr √(A B) of two covariances: with A = V Λ Vᵀ, that of √Λ Vᵀ B V √Λ. */
function traceOfRoot(root: Matrix, b: Matrix): number {
  const product = root.transpose().mmul(b).mmul(root);
  const { realEigenvalues: values } = new EigenvalueDecomposition(product, {
    assumeSymmetric: true,
  });
  return values.reduce((sum, value) => sum + Math.sqrt(Math.max(value, 0)), 0);
}
