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
export function frechetDistance(a: Normal, b: Normal): number {
  const width = a.mean.length;
  if (b.mean.length !== width) {
    throw new RangeError(
      `Cannot compare features: they have ${width} and ${b.mean.length} numbers, expected the same`,
    );
  }
  const [first, second] = [a, b].map(({ covariance }) =>
    Matrix.from1DArray(width, width, covariance)
  );
  const between = a.mean.reduce(
    (sum, value, i) => sum + (value - b.mean[i]) ** 2,
    0,
  );
  return between + first.trace() + second.trace() -
    2 * traceOfRoot(first, second);
}

/** tr √(A B) of two covariances: with A = V Λ Vᵀ, that of √Λ Vᵀ B V √Λ. */
function traceOfRoot(a: Matrix, b: Matrix): number {
  const { eigenvectorMatrix: vectors, realEigenvalues } =
    new EigenvalueDecomposition(a, { assumeSymmetric: true });
  const roots = realEigenvalues.map((value) => Math.sqrt(Math.max(value, 0)));
  const scaled = vectors.mulRowVector(roots); // V √Λ
  const product = scaled.transpose().mmul(b).mmul(scaled);
  const { realEigenvalues: values } = new EigenvalueDecomposition(product, {
    assumeSymmetric: true,
  });
  return values.reduce((sum, value) => sum + Math.sqrt(Math.max(value, 0)), 0);
}
