/**
 * Buckets of relative positions (Raffel et al., 2020, section 2.1): a transformer
 * that learns one bias for each bucket can read texts of any length.
 */
import { int64, type Tensor } from "../../tensor/tensor.ts";

/** The division of relative positions into buckets. */
export interface PositionBuckets {
  /** The number of buckets: one half for keys before the query, the other for keys after it. */
  readonly count: number;
  /** The distance from which on all tokens share the last bucket of a half. */
  readonly furthest: number;
}

/** The number of distances with a bucket of their own in each half: half of the half's buckets. */
export const exactDistances = (count: number): number => Math.floor(count / 4);

/**
 * The bucket of a distance within its half: the distance itself if it is below
 * {@linkcode exactDistances}, else a number that grows with its logarithm. Each
 * operation rounds to float32 as in transformers, because rounding decides for
 * distances at the border of two buckets.
 */
function bucketOf(
  distance: number,
  { count, furthest }: PositionBuckets,
): number {
  const { fround, log } = Math;
  const half = Math.floor(count / 2);
  const exact = exactDistances(count);
  if (distance < exact) return distance;
  const growth = fround(log(fround(distance / exact)));
  const share = fround(growth / fround(log(furthest / exact)));
  const bucket = exact + Math.trunc(fround(share * (half - exact)));
  return Math.min(bucket, half - 1);
}

/** The bucket of each query (row) and key (column), `[L, L]`. */
export function relativePositionBuckets(
  length: number,
  buckets: PositionBuckets,
): Tensor<"int64"> {
  const half = Math.floor(buckets.count / 2);
  const near = Array.from({ length }, (_, i) => bucketOf(i, buckets));
  const table = near.flatMap((_, query) =>
    near.map((_, key) => near[Math.abs(key - query)] + (key > query ? half : 0))
  );
  return int64([length, length], table);
}
