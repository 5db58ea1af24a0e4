/**
 * Measures of a set of pictures as a whole, with intervals. Samples are kept in
 * ten groups, sample i in group i mod 10; what is gathered of a group merges, so
 * shards gathered apart give what the whole gives. The interval is that of the
 * delete-a-group jackknife (Kott, 2001): the measure is taken ten times more,
 * without one group each time.
 */
import { float32, type Tensor } from "@dip-go/core/tensor";

const groupCount = 10;

/** Fewer samples have no interval: a group would hold one sample, or none. */
export const fewestForInterval = 2 * groupCount;

/** The 97.5 % quantile of Student's t with nine degrees of freedom. */
const quantile = 2.262;

/** What is gathered of samples. */
export interface Gathering<Part> {
  /**
   * @param features `[n, D]`.
   * @param indices The samples' places among all, n.
   */
  gather(features: Tensor<"float32">, indices: readonly number[]): Part;
  /** What both together give, in whichever order they come. */
  merge(a: Part, b: Part): Part;
  /** Samples that were gathered. */
  count(part: Part): number;
}

/** Values by name of what was gathered; `left` is the group that was left out, if one was. */
export type Measure<Part> = (
  part: Part,
  left?: number,
) => Readonly<Record<string, number>>;

/** What is gathered of every group; undefined where a group has no sample yet. */
export type SampleGroups<Part> = readonly (Part | undefined)[];

/** One value of the set: its 95 % interval, which is missing where the samples are too few, and the samples behind it. */
export interface SetValue {
  readonly mean: number;
  readonly low?: number;
  readonly high?: number;
  readonly n: number;
}

/**
 * Gathers the groups of neighbouring samples.
 *
 * @param features `[n, D]`.
 * @param first Place of the first of them among all samples.
 */
export function sampleGroups<Part>(
  features: Tensor<"float32">,
  { first = 0, by }: { first?: number; by: Gathering<Part> },
): SampleGroups<Part> {
  const { shape: [count, width], data } = features;
  return Array.from({ length: groupCount }, (_, group) => {
    const rows = Array.from({ length: count }, (_, row) => row)
      .filter((row) => (first + row) % groupCount === group);
    if (rows.length === 0) return undefined;
    const own = new Float32Array(rows.length * width);
    rows.forEach((row, i) =>
      own.set(data.subarray(row * width, (row + 1) * width), i * width)
    );
    const indices = rows.map((row) => first + row);
    return by.gather(float32([rows.length, width], own), indices);
  });
}

/** What two shards together give. */
export const mergeGroups = <Part>(
  a: SampleGroups<Part>,
  b: SampleGroups<Part>,
  by: Gathering<Part>,
): SampleGroups<Part> => a.map((part, group) => mergedOf([part, b[group]], by));

/**
 * Measures all samples.
 *
 * @param measure Values by name, of all samples or without a group.
 * @param range The values that there can be; an interval ends there.
 * @throws {RangeError} If there is no sample, or as `measure`.
 */
export function measureGroups<Part>(
  groups: SampleGroups<Part>,
  { by, measure, range: [least, most] }: {
    by: Gathering<Part>;
    measure: Measure<Part>;
    range: readonly [number, number];
  },
): Record<string, SetValue> {
  const all = mergedOf(groups, by);
  if (all === undefined) {
    throw new RangeError("Cannot measure a set: found no sample");
  }
  const n = by.count(all);
  const values = measure(all);
  const without = n < fewestForInterval
    ? []
    : groups.map((_, left) =>
      measure(mergedOf(groups.filter((_, group) => group !== left), by)!, left)
    );
  return Object.fromEntries(
    Object.entries(values).map(([name, mean]) => {
      if (without.length === 0) return [name, { mean, n }];
      const reach = quantile * deviation(without.map((each) => each[name]));
      const low = Math.min(mean, Math.max(least, mean - reach)); // rounding may put a mean past the end
      const high = Math.max(mean, Math.min(most, mean + reach));
      return [name, { mean, low, high, n }];
    }),
  );
}

/** The features `[m, D]` of samples `[n, D]` from the first on that are not in a group. */
export function withoutGroup(
  { shape: [count, width], data }: Tensor<"float32">,
  left: number,
): Tensor<"float32"> {
  const rows = Array.from({ length: count }, (_, row) => row)
    .filter((row) => row % groupCount !== left);
  const kept = new Float32Array(rows.length * width);
  rows.forEach((row, i) =>
    kept.set(data.subarray(row * width, (row + 1) * width), i * width)
  );
  return float32([rows.length, width], kept);
}

function mergedOf<Part>(
  parts: SampleGroups<Part>,
  by: Gathering<Part>,
): Part | undefined {
  return parts.reduce((all, part) => {
    if (all === undefined || part === undefined) return all ?? part;
    return by.merge(all, part);
  }, undefined);
}

/** The jackknife's standard deviation of a measure, of its values without one group each. */
function deviation(values: readonly number[]): number {
  const { length } = values;
  const mean = values.reduce((sum, x) => sum + x, 0) / length;
  const squares = values.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return Math.sqrt((length - 1) / length * squares);
}
