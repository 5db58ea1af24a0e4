/** How much larger a pipeline's pictures are than its latents. */
import { parseAutoencoderConfig } from "./autoencoder_config.ts";
import { downscaling } from "./autoencoder_kl.ts";
import { isFile } from "../../files/is_file.ts";
import { readJson } from "../../files/read_json.ts";

/** Of every published model with an autoencoder. */
export const usualPixelsPerLatent = 8;

/** Pixels along a side of a latent, by the configuration of a pipeline's autoencoder; undefined where it has none. @throws As `parseAutoencoderConfig`. */
export async function pixelsPerLatent(
  folder: string,
): Promise<number | undefined> {
  const file = `${folder}/vae/config.json`;
  if (!await isFile(file)) return undefined;
  return downscaling(parseAutoencoderConfig(await readJson(file), file));
}
