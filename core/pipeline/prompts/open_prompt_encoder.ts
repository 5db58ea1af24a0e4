/** Which text encoders a pipeline has: the one place that lists the families' own. */
import type { Network } from "../../models/network.ts";
import type { SessionOptions } from "../../runtime/session_options.ts";
import { loadTokenizer } from "../../text/tokenizer.ts";
import { openClipPrompts } from "./clip_prompts.ts";
import { openClipPairPrompts } from "./clip_pair_prompts.ts";
import type { PromptEncoder } from "./prompt_encoder.ts";
import { openT5Prompts, usualPixartPrompt } from "./t5_prompts.ts";

/**
 * Opens a pipeline's text encoders: CLIP's tower for Stable Diffusion 1 and 2,
 * both towers for SDXL, T5 for PixArt.
 *
 * @param folder A pipeline with `tokenizer/`, `text_encoder/` and the like.
 * @param network Its own, which reads what they make.
 * @throws {TypeError} If the network reads no text.
 * @throws As `loadTokenizer` and `loadComponent`.
 */
export function openPromptEncoder(
  folder: string,
  network: Network,
  options: SessionOptions = {},
): Promise<PromptEncoder> {
  switch (network.family) {
    case "dit":
      throw new TypeError(
        `Cannot encode prompts for ${folder}: it is a DiT, which draws classes`,
      );
    case "flux":
    case "sd3":
      throw new TypeError(
        `Cannot encode prompts for ${folder}: a ${network.family} reads more than one text encoder, which are not known here`,
      );
    case "pixart":
      return openT5Prompts(folder, network, options);
    case "unet":
      return network.config.added
        ? openClipPairPrompts(folder, network.config, options)
        : openClipPrompts(folder, options);
  }
}

/**
 * Tokens of every prompt as a pipeline's network reads it; undefined in a
 * network that reads none.
 *
 * @throws As `loadTokenizer`.
 */
export async function promptTokens(
  folder: string,
  { family, tokens }: Network,
): Promise<number | undefined> {
  if (family === "dit") return undefined;
  const length = family === "pixart" ? tokens ?? usualPixartPrompt : undefined;
  return (await loadTokenizer(`${folder}/tokenizer`, { length })).length;
}
