/**
 * Buckets of relative positions (Raffel et al., 2020, section 2.1): a
 * transformer that learns one bias a bucket can read texts of any length.
 */
import { int64, type Tensor } from "../../tensor/tensor.ts";

/** How positions share buckets. */
export interface PositionBuckets {
  /** All buckets; half of them for keys before the query, half for those after it. */
  readonly count: number;
  /** Distance from which on all tokens share a half's last bucket. */
  readonly furthest: number;
}

/** Distances of a half that have a bucket each: half of that half's buckets. */
export const exactDistances = (count: number): number => Math.floor(count / 4);

/**
 * Bucket of a distance within its half: its own while that is below
 * {@linkcode exactDistances}, then one that grows with its logarithm. In
 * float32 steps as transformers takes them: where a distance lies on the border
 * of two buckets, rounding decides.
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
