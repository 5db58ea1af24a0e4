/** The sizes of pictures, asked for and drawn, and of their latents. */
import { usualPixelsPerLatent } from "../../models/autoencoder/pixels_per_latent.ts";
import type { LatentSize } from "../../models/block_graph/block_graph.ts";
import type { LoadedPipeline } from "../loaded_pipeline.ts";
import type { PictureSize } from "../prompts/prompt_encoder.ts";
import type { SamplerOptions } from "../sampler_options.ts";
import type { Start } from "../start/start_options.ts";

/**
 * The size at which pictures are drawn.
 *
 * @throws {RangeError} If binning is asked for, and the pipeline has no table for it.
 */
export function drawnSize(
  asked: PictureSize,
  { name, kind, model: { config: { sampleSize } } }: LoadedPipeline,
  { useResolutionBinning: wanted }: SamplerOptions,
): PictureSize {
  if (wanted === false) return asked;
  const size = kind.binned?.(asked, sampleSize) ?? null;
  if (wanted && size === null) {
    throw new RangeError(
      `Cannot sample ${name}: it has no table of resolutions for sample_size ${sampleSize}, expected useResolutionBinning false`,
    );
  }
  return size ?? asked;
}

/** The default size: the start's, cut to whole latents, if the kind keeps it, else the model's training size. */
export function usualSize(
  { model: { config }, kind, pixelsPerLatent: pixels }: LoadedPipeline,
  start: Start | null,
): PictureSize {
  const side = config.sampleSize * pixels;
  if (!start) return { height: side, width: side };
  if ("latents" in start) {
    const [, , height, width] = start.latents.shape;
    return { height: height * pixels, width: width * pixels };
  }
  if (start.mask || kind.start?.resizes) return { height: side, width: side };
  const { height, width } = start.image;
  return { height: height - height % pixels, width: width - width % pixels };
}

/**
 * The size of a picture's latents. As in diffusers a picture's sides are
 * multiples of 8, or of a smaller autoencoder's pixels per latent, cut to whole
 * latents; any sides are allowed if several latents form a patch.
 *
 * @throws {RangeError} If the pipeline makes no pictures of that size.
 */
export function latentSize(
  size: PictureSize,
  { name, pixelsPerLatent: pixels, kind: { latentsTogether = 1 } }:
    LoadedPipeline,
): LatentSize {
  const least = pixels * latentsTogether;
  const multiple = latentsTogether > 1
    ? 1
    : Math.min(pixels, usualPixelsPerLatent);
  for (const [side, found] of Object.entries(size)) {
    if (found % multiple === 0 && found >= least) continue;
    throw new RangeError(
      `Cannot sample ${name}: ${side} is ${found} pixels, expected a multiple of ${multiple} from ${least}`,
    );
  }
  const cut = (side: number) => latentsTogether * Math.floor(side / least);
  return { height: cut(size.height), width: cut(size.width) };
}
