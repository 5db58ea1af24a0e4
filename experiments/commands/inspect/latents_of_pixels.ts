/** The latents of pictures of a size: how many pixels of a side one stands for is the autoencoder's matter. */
import { isFile } from "@dip-go/core/files";
import { type Network, pixelsPerLatent } from "@dip-go/core/models";

/** Of every published model with an autoencoder. */
const usualPixels = 8;

/**
 * Height and width of a network's latents.
 *
 * @param options.height Of the pictures, in pixels; those that the network was trained with by default, and likewise the width.
 * @param options.folder Its pipeline's, whose autoencoder is asked; without one, it is one like all published ones, or pictures are the latents.
 * @throws {RangeError} If there is no such latent.
 */
export async function latentsOfPixels(
  { config: { sampleSize, inChannels } }: Network,
  { height, width, folder }: {
    readonly height?: number;
    readonly width?: number;
    readonly folder?: string;
  },
): Promise<{ height: number; width: number }> {
  const usual = inChannels === 3 ? 1 : usualPixels;
  const hasAutoencoder = folder !== undefined &&
    await isFile(`${folder}/vae/config.json`);
  const pixels = hasAutoencoder ? await pixelsPerLatent(folder) : usual;
  const latents = (name: string, side: number | undefined) => {
    if (side === undefined) return sampleSize;
    if (side % pixels === 0) return side / pixels;
    throw new RangeError(
      `Cannot inspect: ${name} is ${side} pixels, expected a multiple of ${pixels}`,
    );
  };
  return { height: latents("height", height), width: latents("width", width) };
}
