/** PSNR and SSIM in the conventions of this project's results: pictures in [-1, 1], a finite value for every pair. */
import type { Images } from "./image_pair.ts";
import { psnr } from "./psnr.ts";
import { ssim } from "./ssim.ts";

/** The range of values in [-1, 1]. */
const dataRange = 2;

/** The PSNR of equal pictures; infinity would make every mean infinite. */
const highestPsnr = 100;

/**
 * Metrics of pictures `[B, 3, H, W]` and references of the same shape, one value for each pair.
 *
 * SSIM pads with zeros, as the paper's loss does: at 24 pixels, valid 11-pixel
 * windows would hardly see the border.
 *
 * @throws {TypeError} If the shapes differ or the tensors are no images.
 */
export const pairedMetrics = {
  psnr: (images: Images, references: Images): number[] =>
    psnr(images, references, { dataRange })
      .map((value) => Math.min(value, highestPsnr)),
  ssim: (images: Images, references: Images): number[] =>
    ssim(images, references, { dataRange, padding: "same_zero_pad" }),
};
