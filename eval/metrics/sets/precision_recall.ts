/**
 * Improved precision and recall (Kynkäänniemi et al., 2019): a set of features
 * covers every point no farther from one of its members than that member's k-th
 * neighbour within the set.
 */
import type { Tensor } from "@dip-go/core/tensor";
import { checkWidths } from "./feature_statistics.ts";

/** The authors' k, which the ADM evaluator takes too. */
const neighbours = 3;

/**
 * @param references Features `[N, D]` of real pictures.
 * @param samples Features `[M, D]` of those that are judged.
 * @returns The shares of the samples that the references cover, and of the
 * references that the samples cover.
 * @throws {RangeError} If they differ in width, or either has no third neighbour.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { float32 } from "@dip-go/core/tensor";
 * import { precisionRecall } from "@dip-go/eval";
 *
 * const references = float32([4, 1], [0, 1, 2, 3]);
 * const samples = float32([4, 1], [0, 0.1, 0.2, 0.3]);
 * const { precision, recall } = precisionRecall(references, samples);
 * assertEquals([precision, recall], [1, 0.25]);
 * ```
 */
export function precisionRecall(
  references: Tensor<"float32">,
  samples: Tensor<"float32">,
): { readonly precision: number; readonly recall: number } {
  checkWidths(references.shape[1], samples.shape[1]);
  return {
    precision: covered(samples, references),
    recall: covered(references, samples),
  };
}

/** Squared distance between row i of one set and row j of another. */
function squaredDistance(
  a: Tensor<"float32">,
  i: number,
  b: Tensor<"float32">,
  j: number,
): number {
  const width = a.shape[1];
  let sum = 0;
  for (let k = 0; k < width; k++) {
    sum += (a.data[i * width + k] - b.data[j * width + k]) ** 2;
  }
  return sum;
}

/** Squared distance from each member of a set to its k-th neighbour. */
function radii(set: Tensor<"float32">): number[] {
  const [count] = set.shape;
  if (count <= neighbours) {
    throw new RangeError(
      `Cannot compare features: a set has ${count}, expected more than ${neighbours}`,
    );
  }
  const indices = Array.from({ length: count }, (_, i) => i);
  return indices.map((i) =>
    indices.map((j) => squaredDistance(set, i, set, j))
      .sort((a, b) => a - b)[neighbours] // the first is its own, 0
  );
}

/** Share of features that a set covers. */
function covered(features: Tensor<"float32">, by: Tensor<"float32">): number {
  const reach = radii(by);
  const [count] = features.shape;
  let inside = 0;
  for (let i = 0; i < count; i++) {
    if (reach.some((r, j) => squaredDistance(features, i, by, j) <= r)) {
      inside++;
    }
  }
  return inside / count;
}
