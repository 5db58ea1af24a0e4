/** The kernel inception distance (Bińkowski et al., 2018): an unbiased estimate of squared MMD under a cubic kernel. */
import { TorchGenerator } from "@dip-go/core/random";
import { checkWidths, type Features, rowsOf } from "./feature_statistics.ts";

/** The subsets over which the distance is averaged; the published values by default. */
export interface KernelDistanceOptions {
  /** The number of features of each side in a subset: 1000 by default, or all if a side has fewer. */
  readonly subsetSize?: number;
  /** The number of subsets, 100 by default. */
  readonly subsets?: number;
  /** The seed of the subsets' draws, 0 by default. */
  readonly seed?: number;
}

type Rows = readonly Float32Array[];

/**
 * The distance between two sets of features `[N, D]` and `[M, D]`.
 *
 * @returns The mean over the subsets, and their standard deviation.
 * @throws {RangeError} If the sets differ in width, or either has fewer than two features.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { float32 } from "@dip-go/core/tensor";
 * import { kernelDistance } from "@dip-go/eval";
 *
 * const features = float32([4, 1], [0, 1, 2, 3]);
 * const near = float32([4, 1], [0.5, 1, 2, 3]);
 * const far = float32([4, 1], [7, 8, 9, 10]);
 * const { mean } = kernelDistance(features, far);
 * assert(mean > kernelDistance(features, near).mean);
 * ```
 */
export function kernelDistance(
  a: Features,
  b: Features,
  { subsetSize = 1000, subsets = 100, seed = 0 }: KernelDistanceOptions = {},
): { readonly mean: number; readonly deviation: number } {
  const [[n, width], [m, other]] = [a.shape, b.shape];
  checkWidths(width, other);
  const size = Math.min(subsetSize, n, m);
  if (size < 2) {
    throw new RangeError(
      `Cannot compare features: found ${n} and ${m}, subsets of ${size}, expected at least 2`,
    );
  }
  const random = new TorchGenerator(seed);
  const [own, others] = [a, b].map(rowsOf);
  const values = Array.from(
    { length: subsets },
    () => squaredMmd(subset(own, size, random), subset(others, size, random)),
  );
  const mean = values.reduce((sum, x) => sum + x, 0) / subsets;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) /
    subsets;
  return { mean, deviation: Math.sqrt(variance) };
}

/** Draws `size` different rows at random. */
function subset(rows: Rows, size: number, random: TorchGenerator): Rows {
  const order = [...rows];
  for (let i = 0; i < size; i++) {
    const j = i + Math.floor(random.uniform() * (rows.length - i));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order.slice(0, size);
}

/** (x · y / D + 1)³ */
function kernel(x: Float32Array, y: Float32Array): number {
  let dot = 0;
  for (let i = 0; i < x.length; i++) dot += x[i] * y[i];
  return (dot / x.length + 1) ** 3;
}

/** Eq. 4 of the paper: pairs of a feature with itself are left out. */
function squaredMmd(x: Rows, y: Rows): number {
  const n = x.length;
  let own = 0;
  let across = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      own += 2 * (kernel(x[i], x[j]) + kernel(y[i], y[j]));
    }
    for (let j = 0; j < n; j++) across += kernel(x[i], y[j]);
  }
  return own / (n * (n - 1)) - 2 * across / (n * n);
}
