/** Mean squared error and the peak signal-to-noise ratio, in float64 for tensors of any precision. */
import { describe, float32, sameShape, type Tensor } from "@dip-go/core/tensor";
import { imagePairSizes, type Images } from "./image_pair.ts";

/**
 * The PSNR of each image in dB: 10 log10(range² / mse). Equal images give
 * `Infinity`.
 *
 * @param a Images `[C, H, W]` or `[B, C, H, W]`.
 * @param b Images of the same shape.
 * @param options `dataRange`: the largest minus the smallest possible value; 2 for
 * images in [-1, 1].
 * @returns One value for each image, `[B]`.
 * @throws {TypeError} If the shapes differ or the tensors are no images.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { float32 } from "@dip-go/core/tensor";
 * import { psnr } from "@dip-go/eval";
 *
 * const [black, dark] = [-1, -0.8].map((v) => float32([1, 1, 1], [v]));
 * const [decibels] = psnr(black, dark, { dataRange: 2 });
 * assertAlmostEquals(decibels, 20, 1e-5);
 * ```
 */
export function psnr(
  a: Images,
  b: Images,
  { dataRange }: { dataRange: number },
): number[] {
  const { B, C, H, W } = imagePairSizes("PSNR", a, b, dataRange);
  const batchOf = ({ data }: Images) => float32([B, C, H, W], data);
  return meanSquaredErrors(batchOf(a), batchOf(b))
    .map((error) => 10 * Math.log10(dataRange ** 2 / error));
}

/**
 * The mean squared difference of each sample of a batch.
 *
 * @param a `[B, ...]`.
 * @param b A tensor of the same shape.
 * @returns One value a sample, `[B]`.
 * @throws {TypeError} If the shapes differ.
 */
export function meanSquaredErrors(
  a: Tensor<"float32">,
  b: Tensor<"float32">,
): number[] {
  if (!sameShape(a.shape, b.shape)) {
    throw new TypeError(
      `Cannot take mean squared errors: found ${describe(a)} and ${
        describe(b)
      }, expected one shape`,
    );
  }
  const [count] = a.shape;
  const size = a.data.length / count;
  return Array.from({ length: count }, (_, n) => {
    let squares = 0;
    for (let i = n * size; i < (n + 1) * size; i++) {
      squares += (a.data[i] - b.data[i]) ** 2;
    }
    return squares / size;
  });
}
