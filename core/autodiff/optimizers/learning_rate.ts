/** Learning-rate schedules: plain functions of the update's index. */

export interface CosineOptions {
  readonly peak: number;
  readonly total: number;
  /** Updates of linear warm-up from 0; none by default. */
  readonly warmUp?: number;
  /** Fraction of the peak that is left at the end; 0 by default. */
  readonly floor?: number;
}

/** Linear warm-up, then half a cosine from the peak to `floor` × peak at `total` updates. */
export function cosineLearningRate(
  update: number,
  { peak, total, warmUp = 0, floor = 0 }: CosineOptions,
): number {
  if (update < warmUp) return peak * (update + 1) / warmUp;
  const progress = Math.min(1, (update - warmUp) / Math.max(1, total - warmUp));
  return peak *
    (floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * progress)));
}
