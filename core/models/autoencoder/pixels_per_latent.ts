/** How much larger a pipeline's pictures are than its latents. */
import { parseAutoencoderConfig } from "./autoencoder_config.ts";
import { readJson } from "../../files/read_json.ts";

/** Pixels along a side of a latent, by the autoencoder's configuration. @throws As `parseAutoencoderConfig`. */
export async function pixelsPerLatent(folder: string): Promise<number> {
  const file = `${folder}/vae/config.json`;
  const { channels } = parseAutoencoderConfig(await readJson(file), file);
  return 2 ** (channels.length - 1);
}
