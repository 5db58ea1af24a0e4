/** Peak signal-to-noise ratio, in float64 whatever the images' precision. */

import type { Tensor } from "../core/tensor.ts";
import { imagePairSizes } from "./image_pair.ts";

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
 */
export function psnr(
  a: Tensor<"float32">,
  b: Tensor<"float32">,
  { dataRange }: { dataRange: number },
): number[] {
  const { B, C, H, W } = imagePairSizes("PSNR", a, b);
  const size = C * H * W;
  return Array.from({ length: B }, (_, n) => {
    let squares = 0;
    for (let i = n * size; i < (n + 1) * size; i++) {
      squares += (a.data[i] - b.data[i]) ** 2;
    }
    return 10 * Math.log10(dataRange ** 2 / (squares / size));
  });
}
