/** Peak signal-to-noise ratio, in float64 whatever the images' precision. */

import { float32, type Tensor } from "@dip-go/core/tensor";
import { imagePairSizes } from "./image_pair.ts";
import { meanSquaredErrors } from "./mean_squared_error.ts";

/**
 * PSNR of each image in dB: 10 log10(range² / mse). Equal images give
 * `Infinity`.
 *
 * @param a Images `[C, H, W]` or `[B, C, H, W]`.
 * @param b Images of the same shape.
 * @param options `dataRange`: largest minus smallest possible value; 2 for
 * images in [-1, 1].
 * @returns One value an image, `[B]`.
 * @throws {TypeError} If the shapes differ or are no images.
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
  a: Tensor<"float32">,
  b: Tensor<"float32">,
  { dataRange }: { dataRange: number },
): number[] {
  const { B, C, H, W } = imagePairSizes("PSNR", a, b);
  const batchOf = ({ data }: Tensor<"float32">) => float32([B, C, H, W], data);
  return meanSquaredErrors(batchOf(a), batchOf(b))
    .map((error) => 10 * Math.log10(dataRange ** 2 / error));
}
