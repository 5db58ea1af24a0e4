/**
 * The measures of a set of pictures against a reference: Fréchet and kernel
 * distance, precision and recall. Each gathers features batch by batch; shards
 * merge; the value has an interval by `sample_groups.ts`.
 */
import type { Tensor } from "../core/tensor.ts";
import {
  type FeatureStatistics,
  mergeStatistics,
  type Normal,
  normalOf,
  statisticsOf,
} from "./feature_statistics.ts";
import { frechetDistanceTo } from "./frechet_distance.ts";
import { indexedFeatures } from "./indexed_features.ts";
import {
  kernelDistance,
  type KernelDistanceOptions,
} from "./kernel_distance.ts";
import { precisionRecall } from "./precision_recall.ts";
import {
  type Gathering,
  measureGroups,
  mergeGroups,
  type SampleGroups,
  sampleGroups,
  type SetValue,
} from "./sample_groups.ts";

/** A measure whose state merges. */
export interface SetMetric<State> {
  /**
   * What is known of a batch.
   *
   * @param features `[n, D]`, of neighbouring samples.
   * @param first Place of the first of them among all samples.
   */
  accumulate(features: Tensor<"float32">, first: number): State;
  /** What two batches or shards together give. */
  merge(a: State, b: State): State;
  /** @throws {RangeError} If there are too few samples for the measure, or they do not fit the reference. */
  value(state: State): Readonly<Record<string, SetValue>>;
}

function setMetric<Part>(
  by: Gathering<Part>,
  measure: (part: Part) => Readonly<Record<string, number>>,
): SetMetric<SampleGroups<Part>> {
  return {
    accumulate: (features, first) => sampleGroups(features, { first, by }),
    merge: (a, b) => mergeGroups(a, b, by),
    value: (groups) => measureGroups(groups, { by, measure }),
  };
}

const statistics: Gathering<FeatureStatistics> = {
  gather: (features) => statisticsOf(features),
  merge: mergeStatistics,
  count: ({ count }) => count,
};

/** The Fréchet distance to a reference, as `name`. */
export function frechetMetric(
  name: string,
  reference: Normal,
): SetMetric<SampleGroups<FeatureStatistics>> {
  const distance = frechetDistanceTo(reference);
  return setMetric(
    statistics,
    (part) => ({ [name]: distance(normalOf(part)) }),
  );
}

/** The kernel distance to a reference's features `[M, D]`, as `name`. */
export const kernelMetric = (
  name: string,
  reference: Tensor<"float32">,
  options: KernelDistanceOptions,
) =>
  setMetric(indexedFeatures, ({ features }) => ({
    [name]: kernelDistance(features, reference, options).mean,
  }));

/** Precision and recall towards a reference's features `[M, D]`, under these names. */
export const precisionRecallMetric = (
  names: { readonly precision: string; readonly recall: string },
  reference: Tensor<"float32">,
) =>
  setMetric(indexedFeatures, ({ features }) => {
    const { precision, recall } = precisionRecall(reference, features);
    return { [names.precision]: precision, [names.recall]: recall };
  });
