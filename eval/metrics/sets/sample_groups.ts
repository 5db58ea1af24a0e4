/**
 * Measures of a whole set of pictures, with intervals. Samples are kept in ten
 * groups, sample i in group i mod 10; a group's parts merge, so that shards
 * gathered apart give the value of the whole. The interval is by the
 * delete-a-group jackknife (Kott, 2001): the measure is taken ten times more,
 * each time without one group.
 */
import { stacked, unstacked } from "@dip-go/core/tensor";
import type { Features } from "./feature_statistics.ts";

const groupCount = 10;

/** The fewest samples with an interval: with fewer, a group would hold one sample or none. */
export const fewestForInterval = 2 * groupCount;

/** The 97.5 % quantile of Student's t with nine degrees of freedom. */
const quantile = 2.262;

/** Gathers features into parts that merge, such as their statistics. */
export interface Gathering<Part> {
  /**
   * @param features `[n, D]`.
   * @param indices The samples' places among all samples, n.
   */
  gather(features: Features, indices: readonly number[]): Part;
  /** Merges two parts, in either order. */
  merge(a: Part, b: Part): Part;
  /** The number of samples in a part. */
  count(part: Part): number;
}

/** The part of every group; undefined if a group has no sample yet. */
export type SampleGroups<Part> = readonly (Part | undefined)[];

/** A value of a set, the number of its samples, and its 95 % interval unless there are too few samples. */
export interface SetValue {
  readonly mean: number;
  readonly low?: number;
  readonly high?: number;
  readonly n: number;
}

/** A metric of a set of samples, computed from states that merge. */
export interface SetMetric<State> {
  /**
   * The state of a batch.
   *
   * @param features `[n, D]`, of neighbouring samples.
   * @param first The place of the batch's first sample among all samples.
   */
  accumulate(features: Features, first: number): State;
  /** The state of two batches or shards together. */
  merge(a: State, b: State): State;
  /** The values by name. @throws {RangeError} If samples are too few for the measure, or do not fit the reference. */
  value(state: State): Readonly<Record<string, SetValue>>;
}

/**
 * Makes a metric of samples that are gathered in groups.
 *
 * @param options `measure`: values by name, for all samples or without the group
 * `left`. `range`: the least and the greatest possible value, which cut intervals off.
 */
export function groupedMetric<Part>(
  by: Gathering<Part>,
  { measure, range: [least, most] }: {
    measure(part: Part, left?: number): Readonly<Record<string, number>>;
    range: readonly [number, number];
  },
): SetMetric<SampleGroups<Part>> {
  const mergedOf = (parts: SampleGroups<Part>): Part | undefined =>
    parts.reduce((all, part) => {
      if (all === undefined || part === undefined) return all ?? part;
      return by.merge(all, part);
    }, undefined);
  return {
    accumulate: (features, first) =>
      Array.from({ length: groupCount }, (_, group) => {
        const own = unstacked(features).map((row, i) => ({ row, i: first + i }))
          .filter(({ i }) => i % groupCount === group);
        if (own.length === 0) return undefined;
        const indices = own.map(({ i }) => i);
        return by.gather(stacked(own.map(({ row }) => row)), indices);
      }),
    merge: (a, b) => a.map((part, group) => mergedOf([part, b[group]])),
    value(groups) {
      const all = mergedOf(groups);
      if (all === undefined) {
        throw new RangeError("Cannot measure a set: found no sample");
      }
      const n = by.count(all);
      const values = measure(all);
      const without = n < fewestForInterval
        ? []
        : groups.map((_, left) =>
          measure(mergedOf(groups.with(left, undefined))!, left)
        );
      return Object.fromEntries(
        Object.entries(values).map(([name, mean]) => {
          if (without.length === 0) return [name, { mean, n }];
          const reach = quantile * deviation(without.map((each) => each[name]));
          const low = Math.min(mean, Math.max(least, mean - reach)); // rounding may put the mean past the end
          const high = Math.max(mean, Math.min(most, mean + reach));
          return [name, { mean, low, high, n }];
        }),
      );
    },
  };
}

/** The features `[m, D]` without the samples of group `left`; row i of `features` `[n, D]` is sample i. */
export const withoutGroup = (features: Features, left: number): Features =>
  stacked(
    unstacked(features).filter((_, row) => row % groupCount !== left),
  );

/** The jackknife's standard deviation of a measure, from its values with one group left out each. */
function deviation(values: readonly number[]): number {
  const { length } = values;
  const mean = values.reduce((sum, x) => sum + x, 0) / length;
  const squares = values.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return Math.sqrt((length - 1) / length * squares);
}
