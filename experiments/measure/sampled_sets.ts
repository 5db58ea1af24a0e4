/** Sampled pictures, a batch at a time: a row may have more of them than memory holds. */
import { firstOf, joined, sameShape, type Tensor } from "@dip-go/core/tensor";

/** The samples of B pairs. */
export interface SampledBatch {
  /** `[B, 3, H, W]` in [-1, 1]. */
  readonly images: Tensor<"float32">;
  /** The final latents that the images were decoded from, `[B, C, h, w]`; absent in a model of pixels. */
  readonly latents?: Tensor<"float32">;
}

/** The samples of n pairs. */
export interface SampledSet {
  /** The number of pairs, n. */
  readonly count: number;
  /** The pairs in order, read anew each time. */
  batches(): AsyncIterable<SampledBatch>;
}

/**
 * The batches of two sets of the same pairs side by side.
 *
 * @throws {RangeError} If batches differ in size, so that the sets are not of the same pairs.
 */
export async function* sideBySide(
  set: SampledSet,
  other: SampledSet,
): AsyncGenerator<readonly [SampledBatch, SampledBatch]> {
  const others = other.batches()[Symbol.asyncIterator]();
  for await (const own of set.batches()) {
    const { value, done } = await others.next();
    if (done || !sameShape(own.images.shape, value.images.shape)) {
      throw new RangeError(
        `Cannot compare pictures: found a batch of [${own.images.shape}] beside [${
          value?.images.shape ?? ""
        }], expected the same pairs`,
      );
    }
    yield [own, value];
  }
}

/** The first pictures of a set, `[≤ n, 3, H, W]`. */
export async function firstImages(
  set: SampledSet,
  n: number,
): Promise<Tensor<"float32">> {
  const taken: Tensor<"float32">[] = [];
  let left = n;
  for await (const { images } of set.batches()) {
    taken.push(firstOf(images, left));
    left -= taken[taken.length - 1].shape[0];
    if (left === 0) break;
  }
  return joined(taken);
}
