/** The features themselves, for measures that mean and scatter do not suffice for. */
import { float32, type Tensor } from "@dip-go/core/tensor";
import { checkWidths } from "./feature_statistics.ts";
import type { Gathering } from "./sample_groups.ts";

/** Features with their samples' places, ascending. */
export interface IndexedFeatures {
  readonly indices: readonly number[];
  /** `[n, D]` */
  readonly features: Tensor<"float32">;
}

/** Keeps features in the order of their places, whichever shard came first. */
export const indexedFeatures: Gathering<IndexedFeatures> = {
  gather: (features, indices) => ({ features, indices }),
  merge(a, b) {
    const width = a.features.shape[1];
    checkWidths(width, b.features.shape[1]);
    const rows = [a, b].flatMap(({ indices, features: { data } }) =>
      indices.map((index, row) => ({
        index,
        row: data.subarray(row * width, (row + 1) * width),
      }))
    ).sort((x, y) => x.index - y.index);
    const data = new Float32Array(rows.length * width);
    rows.forEach(({ row }, i) => data.set(row, i * width));
    return {
      indices: rows.map(({ index }) => index),
      features: float32([rows.length, width], data),
    };
  },
  count: ({ indices }) => indices.length,
};
