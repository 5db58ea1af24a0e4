/**
 * The measures of a set of pictures against a reference: Fréchet and kernel
 * distance, precision and recall, with intervals by the delete-a-group jackknife
 * (Kott, 2001). Sample i is in group i mod 10; the measure is taken ten times more,
 * each time without one group.
 */
import { stacked, unstacked } from "@dip-go/core/tensor";
import type { Interval } from "../../statistics/bootstrap.ts";
import {
  type Features,
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

const groupCount = 10;

/** The fewest samples with an interval: with fewer, a group would hold one sample or none. */
export const fewestForInterval = 2 * groupCount;

/** The 97.5 % quantile of Student's t with nine degrees of freedom. */
const quantile = 2.262;

/**
 * Measures a set by its features `[N, D]`: the values by name.
 *
 * @throws {RangeError} If samples are too few for the measure, or do not fit the reference.
 */
export type SetMetric = (
  features: Features,
) => Readonly<Record<string, Interval>>;

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
      () => valueOf(withoutGroup(features, left)),
    );
}

/** The features `[m, D]` without the samples of group `left`, or all of them. */
const withoutGroup = (features: Features, left?: number): Features =>
  left === undefined ? features : stacked(
    unstacked(features).filter((_, i) => i % groupCount !== left),
  );

/** The distance from a normal distribution to others. */
export type DistanceTo = (sample: Normal) => number;

/** The metric `name`: the Fréchet distance from a reference. */
export const frechetMetric = (
  name: string,
  reference: SetReference<DistanceTo>,
): SetMetric =>
(features) => {
  const byGroup = Map.groupBy(unstacked(features), (_, i) => i % groupCount);
  const groups = [...byGroup.values()]
    .map((rows) => statisticsOf(stacked(rows)));
  const measure = (left?: number) => {
    const kept = groups.filter((_, group) => group !== left);
    return { [name]: reference(left)(normalOf(kept.reduce(mergeStatistics))) };
  };
  return withIntervals(features, measure, [0, Infinity]);
};

/** The Fréchet distance from features `[M, D]`. */
export const distanceFrom = (features: Features): DistanceTo =>
  frechetDistanceTo(normalOfFeatures(features));

/** The metric `name`: the kernel distance to a reference's features `[M, D]`, whose estimate may be negative. */
export const kernelMetric = (
  name: string,
  reference: SetReference<Features>,
  options: KernelDistanceOptions = {},
): SetMetric =>
(features) => {
  const measure = (left?: number) => {
    const kept = withoutGroup(features, left);
    return { [name]: kernelDistance(kept, reference(left), options).mean };
  };
  return withIntervals(features, measure, [-Infinity, Infinity]);
};

/** The metrics `names`: precision and recall against a reference's features `[M, D]`. */
export const precisionRecallMetric = (
  names: { readonly precision: string; readonly recall: string },
  reference: SetReference<Features>,
): SetMetric =>
(features) => {
  const measure = (left?: number) => {
    const kept = withoutGroup(features, left);
    const { precision, recall } = precisionRecall(reference(left), kept);
    return { [names.precision]: precision, [names.recall]: recall };
  };
  return withIntervals(features, measure, [0, 1]);
};

/**
 * The values of a measure with their intervals.
 *
 * @param measure The values by name, of all samples or without the group `left`.
 * @param range The least and the greatest possible value, which cut intervals off.
 */
function withIntervals(
  { shape: [n] }: Features,
  measure: (left?: number) => Readonly<Record<string, number>>,
  [least, most]: readonly [number, number],
): Record<string, Interval> {
  if (n === 0) throw new RangeError("Cannot measure a set: found no sample");
  const values = Object.entries(measure());
  if (n < fewestForInterval) {
    return Object.fromEntries(
      values.map(([name, mean]) => [name, { mean, n }]),
    );
  }
  const without = Array.from({ length: groupCount }, (_, g) => measure(g));
  return Object.fromEntries(values.map(([name, mean]) => {
    const reach = quantile * deviation(without.map((each) => each[name]));
    const low = Math.min(mean, Math.max(least, mean - reach)); // rounding may put the mean past the end
    const high = Math.max(mean, Math.min(most, mean + reach));
    return [name, { mean, low, high, n }];
  }));
}

/** The jackknife's standard deviation of a measure, from its values with one group left out each. */
function deviation(values: readonly number[]): number {
  const { length } = values;
  const mean = values.reduce((sum, x) => sum + x, 0) / length;
  const squares = values.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return Math.sqrt((length - 1) / length * squares);
}
