/**
 * The measures of a set of pictures against a reference: Fréchet and kernel
 * distance, precision and recall. They gather features batch by batch, and
 * shards merge; `sample_groups.ts` gives each value its interval.
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

/** The reference for all samples, or for the samples without the group `left`. */
export type SetReference<Value> = (left?: number) => Value;

/** Makes a reference that does not depend on the samples, such as a data set. */
export const fixedReference =
  <Value>(value: Value): SetReference<Value> => () => value;

/**
 * Makes a reference whose i-th picture belongs to the i-th sample, such as the full
 * model's from the same noise: if samples are left out, so are their pictures.
 *
 * @param features The features `[n, D]` of all the reference's pictures.
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

/** Features with their samples' places, ascending, for measures that need more than mean and scatter. */
interface IndexedFeatures {
  readonly indices: readonly number[];
  /** `[n, D]` */
  readonly features: Features;
}

/** Keeps features in the order of their places, for shards in any order. */
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

/** The metric `name`: the Fréchet distance from a reference. */
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

/** The metric `name`: the kernel distance to a reference's features `[M, D]`, whose estimate may be negative. */
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

/** The metrics `names`: precision and recall against a reference's features `[M, D]`. */
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
