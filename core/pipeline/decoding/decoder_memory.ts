/** The memory that a decoder takes, which decides whether it works in tiles. */
import type { AutoencoderConfig } from "../../models/autoencoder/autoencoder_config.ts";
import { downscaling } from "../../models/autoencoder/autoencoder_kl.ts";
import { machineMemory } from "../../runtime/widening.ts";

/** The number of largest tensors that a decoder holds at once, measured on Stable Diffusion at 256 to 768 pixels. */
const heldAtOnce = 6;

/** Bytes to decode a picture, besides weights: mostly full-size tensors with the last level but one's channels. */
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
