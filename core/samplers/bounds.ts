/** Bounds on the predicted clean sample. */
import type { Clip } from "./sampler.ts";

/** The latents before a step, and the step's prediction, flat. */
interface Read {
  readonly latents: Float32Array;
  readonly prediction: Float32Array;
}

/** The predicted clean sample in float64, flat. */
export const cleanOf = (
  { clean }: Clip,
  { latents, prediction }: Read,
): Float64Array =>
  Float64Array.from(
    latents,
    (x, j) => clean.x * x + clean.prediction * prediction[j],
  );

/** Bounds the clean sample of each of a number of pictures. */
export function boundedClean(
  { limit, quantile }: Clip,
  clean: Float64Array,
  images: number,
): Float64Array {
  if (quantile === undefined) {
    return clean.map((value) => Math.max(-limit, Math.min(limit, value)));
  }
  const bounded = new Float64Array(clean.length);
  const size = clean.length / images;
  for (let start = 0; start < clean.length; start += size) {
    const picture = clean.subarray(start, start + size);
    const bound = Math.min(
      Math.max(1, quantileOf(picture.map(Math.abs), quantile)),
      limit,
    );
    picture.forEach((value, j) =>
      bounded[start + j] = Math.max(-bound, Math.min(bound, value)) / bound
    );
  }
  return bounded;
}

/** A quantile as torch computes it: linear between the two nearest values, at a rank in float32. */
function quantileOf(values: Float64Array, q: number): number {
  const sorted = values.sort();
  const rank = Math.fround(Math.fround(q) * (values.length - 1));
  const low = Math.floor(rank);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (rank - low) * (sorted[high] - sorted[low]);
}
