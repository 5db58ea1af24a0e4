/** Prompts for PixArt (Chen et al., 2023): T5's features, which of them are padding, and the picture's size. */
import type { Network } from "../../models/network.ts";
import { float32 } from "../../tensor/tensor.ts";
import type { OpenTexts } from "./towers.ts";

/** The most tokens that PixArt-α was trained with; its tokenizer allows more. PixArt-Σ's network says its own. */
export const usualPixartPrompt = 120;

type PixartNetwork = Extract<Network, { family: "pixart" }>;

/**
 * Makes `encoder_hidden_states` `[1, S, E]`, `encoder_attention_mask` `[1, S]`
 * and, where the network reads them, `resolution` `[1, 2]` and `aspect_ratio`
 * `[1, 1]`. A prompt is read in lower case, as the pipeline reads it; its
 * further cleaning, of web addresses and the like, is not done here.
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
