/**
 * The sizes that PixArt was trained at (Chen et al., 2023, section 2.3,
 * "buckets"): about as many pixels at every aspect ratio. A picture of another
 * size is drawn at the size with the nearest aspect ratio, then fitted.
 */
import { usualPixelsPerLatent } from "../../models/autoencoder/pixels_per_latent.ts";
import { roundHalfEven } from "../../tensor/rounding.ts";
import type { PictureSize } from "../prompts/prompt_encoder.ts";

/** Height and width. */
type Bin = readonly number[];

/** Bins in sixteenths of the side of a square, from wide to high. */
const usual: readonly Bin[] = [
  ...[[8, 32], [8, 29], [9, 28], [9, 27], [9, 26], [10, 25], [10, 24]],
  ...[[11, 23], [11, 22], [11, 21], [12, 21], [12, 20], [13, 19], [13, 18]],
  ...[[14, 18], [14, 17], [15, 17], [15, 16], [16, 16], [16, 15], [17, 15]],
  ...[[17, 14], [18, 14], [18, 13], [19, 13], [20, 12], [21, 12], [22, 11]],
  ...[[23, 11], [24, 10], [25, 10], [27, 9], [32, 8]],
];

/** The bins of PixArt-Σ at 2048 pixels. Of two bins that are equally near, the wider one is taken. */
const largest = [
  ...usual,
  ...[[8, 31], [8, 30], [26, 9], [28, 9], [29, 8], [30, 8], [31, 8]],
].toSorted(([a, b], [c, d]) => a / b - c / d);

/** Bins by the side of a square's latents. */
const tables: Readonly<Record<number, readonly Bin[]>> = {
  32: usual,
  64: usual,
  128: usual,
  256: largest,
};

/** Height over width as in diffusers' tables: to two decimals. */
const tabled = ([height, width]: Bin): number =>
  roundHalfEven(100 * height / width) / 100;

/**
 * The size at which a picture is drawn; null if the tables lack the model's.
 *
 * @param size The size that is asked for.
 * @param sampleSize The side of the latents that the model was trained with.
 */
export function binned(
  { height, width }: PictureSize,
  sampleSize: number,
): PictureSize | null {
  const table = tables[sampleSize];
  if (!table) return null;
  const ratio = height / width;
  const distance = (bin: Bin) => Math.abs(tabled(bin) - ratio);
  const [rows, columns] = table.reduce((best, bin) =>
    distance(bin) < distance(best) ? bin : best
  );
  const unit = usualPixelsPerLatent * sampleSize / 16;
  return { height: unit * rows, width: unit * columns };
}
