/**
 * The measures of a set of pictures against a reference: Fréchet and kernel
 * distance, precision and recall. Each gathers features batch by batch; shards
 * merge; the value has an interval by `sample_groups.ts`.
 */
import { stacked, unstacked } from "@dip-go/core/tensor";
import {
  checkWidths,
  type Features,
  type FeatureStatistics,
  mergeStatistics,
  type Normal,
  normalOf,
  normalOfFeatures,
  statisticsOf,
} from "./feature_statistics.ts";
import { frechetDistanceTo } from "./frechet_distance.ts";
import {
  kernelDistance,
  type KernelDistanceOptions,
} from "./kernel_distance.ts";
import { precisionRecall } from "./precision_recall.ts";
import {
  type Gathering,
  groupedMetric,
  type SampleGroups,
  type SetMetric,
  withoutGroup,
} from "./sample_groups.ts";

/** The reference of a set, or the part of it that belongs to the samples without the group `left`. */
export type SetReference<Value> = (left?: number) => Value;

/** A reference that has nothing to do with single samples, such as a data set's. */
export const fixedReference =
  <Value>(value: Value): SetReference<Value> => () => value;

/**
 * A reference whose i-th picture belongs to the i-th sample, such as the full
 * model's of the same noise: where samples are left out, theirs are too.
 *
 * @param features `[n, D]`, of all samples.
 */
export function pairedReference<Value>(
  features: Features,
  valueOf: (features: Features) => Value,
): SetReference<Value> {
  const known = new Map<number | undefined, Value>();
  return (left) =>
    known.getOrInsertComputed(
      left,
      () =>
        valueOf(left === undefined ? features : withoutGroup(features, left)),
    );
}

const statistics: Gathering<FeatureStatistics> = {
  gather: (features) => statisticsOf(features),
  merge: mergeStatistics,
  count: ({ count }) => count,
};

/** The features themselves, for measures that mean and scatter do not suffice for, with their samples' places, ascending. */
interface IndexedFeatures {
  readonly indices: readonly number[];
  /** `[n, D]` */
  readonly features: Features;
}

/** Keeps features in the order of their places, whichever shard came first. */
const indexedFeatures: Gathering<IndexedFeatures> = {
  gather: (features, indices) => ({ features, indices }),
  merge(a, b) {
    checkWidths(a.features.shape[1], b.features.shape[1]);
    const rows = [a, b].flatMap(({ indices, features }) =>
      unstacked(features).map((row, i) => ({ index: indices[i], row }))
    ).sort((x, y) => x.index - y.index);
    return {
      indices: rows.map(({ index }) => index),
      features: stacked(rows.map(({ row }) => row)),
    };
  },
  count: ({ indices }) => indices.length,
};

/** The distance from a normal distribution to others. */
export type DistanceTo = (sample: Normal) => number;

/** The Fréchet distance from a reference, as `name`. */
export const frechetMetric = (
  name: string,
  reference: SetReference<DistanceTo>,
): SetMetric<SampleGroups<FeatureStatistics>> =>
  groupedMetric(statistics, {
    measure: (part, left) => ({ [name]: reference(left)(normalOf(part)) }),
    range: [0, Infinity],
  });

/** The Fréchet distance from features `[M, D]`. */
export const distanceFrom = (features: Features): DistanceTo =>
  frechetDistanceTo(normalOfFeatures(features));

/** The kernel distance to a reference's features `[M, D]`, as `name`; its estimate may be negative. */
export const kernelMetric = (
  name: string,
  reference: SetReference<Features>,
  options: KernelDistanceOptions = {},
): SetMetric<SampleGroups<IndexedFeatures>> =>
  groupedMetric(indexedFeatures, {
    measure: ({ features }, left) => ({
      [name]: kernelDistance(features, reference(left), options).mean,
    }),
    range: [-Infinity, Infinity],
  });

/** Precision and recall towards a reference's features `[M, D]`, under these names. */
export const precisionRecallMetric = (
  names: { readonly precision: string; readonly recall: string },
  reference: SetReference<Features>,
): SetMetric<SampleGroups<IndexedFeatures>> =>
  groupedMetric(indexedFeatures, {
    measure({ features }, left) {
      const { precision, recall } = precisionRecall(
        reference(left),
        features,
      );
      return { [names.precision]: precision, [names.recall]: recall };
    },
    range: [0, 1],
  });
