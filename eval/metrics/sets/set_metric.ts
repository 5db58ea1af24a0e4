/**
 * The measures of a set of pictures against a reference: Fréchet and kernel
 * distance, precision and recall. Each gathers features batch by batch; shards
 * merge; the value has an interval by `sample_groups.ts`.
 */
import type { Tensor } from "@dip-go/core/tensor";
import {
  type FeatureStatistics,
  mergeStatistics,
  type Normal,
  normalOf,
  normalOfFeatures,
  statisticsOf,
} from "./feature_statistics.ts";
import { frechetDistanceTo } from "./frechet_distance.ts";
import { type IndexedFeatures, indexedFeatures } from "./indexed_features.ts";
import {
  kernelDistance,
  type KernelDistanceOptions,
} from "./kernel_distance.ts";
import { precisionRecall } from "./precision_recall.ts";
import {
  type Gathering,
  type Measure,
  measureGroups,
  mergeGroups,
  type SampleGroups,
  sampleGroups,
  type SetValue,
  withoutGroup,
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

/** What a set is held against: all of it, or what stands against the samples without a group. */
export interface SetReference<Value> {
  of(left?: number): Value;
}

/** A reference that has nothing to do with single samples, such as a data set's. */
export const fixedReference = <Value>(value: Value): SetReference<Value> => ({
  of: () => value,
});

/**
 * A reference whose i-th picture belongs to the i-th sample, such as the full
 * model's of the same noise: where samples are left out, theirs are too.
 *
 * @param features `[n, D]`, of all samples.
 */
export function pairedReference<Value>(
  features: Tensor<"float32">,
  valueOf: (features: Tensor<"float32">) => Value,
): SetReference<Value> {
  const known = new Map<number | undefined, Value>();
  return {
    of(left) {
      const kept = left === undefined ? features : withoutGroup(features, left);
      const value = known.get(left) ?? valueOf(kept);
      known.set(left, value);
      return value;
    },
  };
}

function setMetric<Part>(
  by: Gathering<Part>,
  { measure, range }: {
    measure: Measure<Part>;
    range: readonly [number, number];
  },
): SetMetric<SampleGroups<Part>> {
  return {
    accumulate: (features, first) => sampleGroups(features, { first, by }),
    merge: (a, b) => mergeGroups(a, b, by),
    value: (groups) => measureGroups(groups, { by, measure, range }),
  };
}

const statistics: Gathering<FeatureStatistics> = {
  gather: (features) => statisticsOf(features),
  merge: mergeStatistics,
  count: ({ count }) => count,
};

/** The distance from a normal distribution to others. */
export type DistanceTo = (sample: Normal) => number;

/** The Fréchet distance from a reference, as `name`. */
export const frechetMetric = (
  name: string,
  reference: SetReference<DistanceTo>,
): SetMetric<SampleGroups<FeatureStatistics>> =>
  setMetric(statistics, {
    measure: (part, left) => ({ [name]: reference.of(left)(normalOf(part)) }),
    range: [0, Infinity],
  });

/** The Fréchet distance from features `[M, D]`. */
export const distanceFrom = (features: Tensor<"float32">): DistanceTo =>
  frechetDistanceTo(normalOfFeatures(features));

/** The kernel distance to a reference's features `[M, D]`, as `name`; its estimate may be negative. */
export const kernelMetric = (
  name: string,
  reference: SetReference<Tensor<"float32">>,
  options: KernelDistanceOptions = {},
): SetMetric<SampleGroups<IndexedFeatures>> =>
  setMetric(indexedFeatures, {
    measure: ({ features }, left) => ({
      [name]: kernelDistance(features, reference.of(left), options).mean,
    }),
    range: [-Infinity, Infinity],
  });

/** Precision and recall towards a reference's features `[M, D]`, under these names. */
export const precisionRecallMetric = (
  names: { readonly precision: string; readonly recall: string },
  reference: SetReference<Tensor<"float32">>,
): SetMetric<SampleGroups<IndexedFeatures>> =>
  setMetric(indexedFeatures, {
    measure({ features }, left) {
      const { precision, recall } = precisionRecall(
        reference.of(left),
        features,
      );
      return { [names.precision]: precision, [names.recall]: recall };
    },
    range: [0, 1],
  });
