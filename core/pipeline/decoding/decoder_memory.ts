/** When a decoder works in tiles: where a whole picture would not fit in memory. */
import type { AutoencoderConfig } from "../../models/autoencoder/autoencoder_config.ts";
import { downscaling } from "../../models/autoencoder/autoencoder_kl.ts";
import { machineMemory } from "../../runtime/widening.ts";

/** Largest tensors that a decoder holds at a time, as measured of Stable Diffusion's at 256 to 768 pixels. */
const heldAtOnce = 6;

/** Bytes that decoding one picture takes besides the weights: mostly of its last level, in full height and width and the channels of the level before. */
export function decoderBytes(
  config: AutoencoderConfig,
  [, height, width]: readonly number[],
): number {
  const pixels = height * width * downscaling(config) ** 2;
  const channels = config.channels[1] ?? config.channels[0];
  return heldAtOnce * 4 * channels * pixels;
}

/** Whether decoding latents `[Z, H/f, W/f]` whole would take more than half of the machine's memory. */
export const isTooLarge = (
  config: AutoencoderConfig,
  shape: readonly number[],
): boolean => decoderBytes(config, shape) > machineMemory() / 2;
