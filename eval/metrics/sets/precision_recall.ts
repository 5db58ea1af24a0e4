/**
 * Improved precision and recall (Kynkäänniemi et al., 2019): a set of features
 * covers every point that is no farther from one of its members than the k-th
 * neighbour of that member within the set.
 */
import { checkWidths, type Features, rowsOf } from "./feature_statistics.ts";

/** The authors' k, which the ADM evaluator uses too. */
const neighbours = 3;

/**
 * @param references Features `[N, D]` of real pictures.
 * @param samples Features `[M, D]` of the judged pictures.
 * @returns Precision, the share of the samples that the references cover, and
 * recall, the share of the references that the samples cover.
 * @throws {RangeError} If the sets differ in width, or either has no third neighbour.
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
  references: Features,
  samples: Features,
): { readonly precision: number; readonly recall: number } {
  checkWidths(references.shape[1], samples.shape[1]);
  const [real, judged] = [references, samples].map(rowsOf);
  return { precision: covered(judged, real), recall: covered(real, judged) };
}

function squaredDistance(x: Float32Array, y: Float32Array): number {
  let sum = 0;
  for (let k = 0; k < x.length; k++) sum += (x[k] - y[k]) ** 2;
  return sum;
}

/** Squared distance from each member of a set to its k-th neighbour. */
function radii(set: readonly Float32Array[]): number[] {
  if (set.length <= neighbours) {
    throw new RangeError(
      `Cannot compare features: a set has ${set.length}, expected more than ${neighbours}`,
    );
  }
  return set.map((x) =>
    set.map((y) => squaredDistance(x, y))
      .sort((a, b) => a - b)[neighbours] // the first is the member's distance to itself, 0
  );
}

/** Share of features that a set covers. */
function covered(
  features: readonly Float32Array[],
  by: readonly Float32Array[],
): number {
  const reach = radii(by);
  const inside = features.filter((x) =>
    reach.some((r, j) => squaredDistance(x, by[j]) <= r)
  );
  return inside.length / features.length;
}
