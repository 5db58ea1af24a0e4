/** The ratio between the sides of a pipeline's pictures and of its latents. */
import { parseAutoencoderConfig } from "./autoencoder_config.ts";
import { downscaling } from "./autoencoder_kl.ts";
import { isFile } from "../../files/is_file.ts";
import { readJson } from "../../files/read_json.ts";

/** The ratio of every published model with an autoencoder. */
export const usualPixelsPerLatent = 8;

/** The ratio of a pipeline; undefined if it has no autoencoder. @throws As `parseAutoencoderConfig`. */
export async function pixelsPerLatent(
  folder: string,
): Promise<number | undefined> {
  const file = `${folder}/vae/config.json`;
  if (!await isFile(file)) return undefined;
  return downscaling(parseAutoencoderConfig(await readJson(file), file));
}
