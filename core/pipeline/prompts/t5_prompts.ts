/** Prompts for PixArt (Chen et al., 2023): T5's features, their padding mask, and the picture's size. */
import type { Network } from "../../models/network.ts";
import { float32 } from "../../tensor/tensor.ts";
import type { OpenTexts } from "./towers.ts";

/** The most tokens that PixArt-α was trained with, fewer than its tokenizer allows; PixArt-Σ's network has its own. */
export const usualPixartPrompt = 120;

type PixartNetwork = Extract<Network, { family: "pixart" }>;

/**
 * Makes `encoder_hidden_states` `[1, S, E]`, `encoder_attention_mask` `[1, S]`
 * and, if the network reads them, `resolution` `[1, 2]` and `aspect_ratio`
 * `[1, 1]`. A prompt is trimmed and in lower case, as in diffusers' pipeline,
 * whose further cleaning, of web addresses and the like, is not done here.
 */
export const pixartTexts: OpenTexts = async (
  towers,
  { network, size: { height, width }, options },
) => {
  const { config, tokens = usualPixartPrompt } = network as PixartNetwork;
  const { maxSequenceLength: length = tokens } = options;
  const tower = await towers.t5("", { length, seesPadding: false });
  return {
    tokens: length,
    async encode(text) {
      const { features, mask } = await tower.features(
        text.toLowerCase().trim(),
      );
      return {
        encoder_hidden_states: features,
        encoder_attention_mask: mask,
        ...config.microConditions && {
          resolution: float32([1, 2], [height, width]),
          aspect_ratio: float32([1, 1], [height / width]),
        },
      };
    },
  };
};
