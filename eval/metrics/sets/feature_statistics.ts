/**
 * The mean and scatter of features, gathered batch by batch. The statistics of two
 * parts of a data set merge into the statistics of the whole (Chan et al., 1979).
 */
import { type Tensor, unstacked } from "@dip-go/core/tensor";

/** Features of N pictures, D numbers each, `[N, D]`. */
export type Features = Tensor<"float32">;

/** The mean and scatter of N features of D numbers, in float64. */
export interface FeatureStatistics {
  /** N */
  readonly count: number;
  /** `[D]` */
  readonly mean: Float64Array;
  /** Σ (x − mean)(x − mean)ᵀ, `[D, D]`. */
  readonly scatter: Float64Array;
}

/**
 * The statistics of a batch of features.
 *
 * @param features `[N, D]`.
 * @throws {RangeError} If a feature is not finite.
 */
export function statisticsOf(
  { shape: [count, width], data }: Features,
): FeatureStatistics {
  const mean = new Float64Array(width);
  for (let i = 0; i < data.length; i++) mean[i % width] += data[i] / count;
  const odd = mean.findIndex((value) => !Number.isFinite(value));
  if (odd !== -1) {
    throw new RangeError(
      `Cannot gather features: number ${odd} of ${width} is ${
        mean[odd]
      } on average, expected finite features`,
    );
  }
  const scatter = new Float64Array(width * width);
  const row = new Float64Array(width);
  for (let n = 0; n < count; n++) {
    for (let j = 0; j < width; j++) row[j] = data[n * width + j] - mean[j];
    addOuter(scatter, row, 1);
  }
  mirror(scatter, width);
  return { count, mean, scatter };
}

/** Features `[N, D]` one by one; they share the data. */
export const rowsOf = (features: Features): Float32Array[] =>
  unstacked(features).map(({ data }) => data);

/** @throws {RangeError} If two sets of features have different widths. */
export function checkWidths(width: number, other: number): void {
  if (width === other) return;
  throw new RangeError(
    `Cannot compare features: they have ${width} and ${other} numbers, expected the same`,
  );
}

/** Merges the statistics of two parts. @throws {RangeError} If their features have different widths. */
export function mergeStatistics(
  a: FeatureStatistics,
  b: FeatureStatistics,
): FeatureStatistics {
  const width = a.mean.length;
  checkWidths(width, b.mean.length);
  const count = a.count + b.count;
  const apart = b.mean.map((value, j) => value - a.mean[j]);
  const mean = a.mean.map((value, j) => value + apart[j] * b.count / count);
  const between = new Float64Array(width * width);
  addOuter(between, apart, a.count * b.count / count);
  mirror(between, width);
  const scatter = between.map((value, i) =>
    value + a.scatter[i] + b.scatter[i]
  );
  return { count, mean, scatter };
}

/** A normal distribution of D numbers. */
export interface Normal {
  /** `[D]` */
  readonly mean: Float64Array;
  /** `[D, D]` */
  readonly covariance: Float64Array;
}

/** The normal distribution with the features' mean and covariance over N − 1. @throws {RangeError} If N is below 2. */
export function normalOf({ count, mean, scatter }: FeatureStatistics): Normal {
  if (count >= 2) {
    return { mean, covariance: scatter.map((value) => value / (count - 1)) };
  }
  throw new RangeError(
    `Cannot estimate a covariance: found ${count} features, expected at least 2`,
  );
}

/**
 * The normal distribution with the mean and covariance of features `[N, D]`.
 *
 * @throws {RangeError} If there are fewer than two features, or one is not finite.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { float32 } from "@dip-go/core/tensor";
 * import { normalOfFeatures } from "@dip-go/eval";
 *
 * const { mean, covariance } = normalOfFeatures(float32([2, 1], [1, 3]));
 * assertEquals([mean[0], covariance[0]], [2, 2]);
 * ```
 */
export const normalOfFeatures = (features: Features): Normal =>
  normalOf(statisticsOf(features));

/** Adds `weight` · row rowᵀ to the matrix, above the diagonal and on it. */
function addOuter(
  matrix: Float64Array,
  row: Float64Array,
  weight: number,
): void {
  const width = row.length;
  for (let i = 0; i < width; i++) {
    const scaled = weight * row[i];
    for (let j = i, at = i * width + i; j < width; j++, at++) {
      matrix[at] += scaled * row[j];
    }
  }
}

/** Copies the half above the diagonal to the half below it. */
function mirror(matrix: Float64Array, width: number): void {
  for (let i = 0; i < width; i++) {
    for (let j = 0; j < i; j++) matrix[i * width + j] = matrix[j * width + i];
  }
}
