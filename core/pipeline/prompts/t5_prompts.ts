/** Prompts for PixArt (Chen et al., 2023): T5's features, which of them are padding, and the picture's size. */
import type { Network } from "../../models/network.ts";
import { float32 } from "../../tensor/tensor.ts";
import type {
  PromptEncoder,
  PromptInputs,
  PromptRequest,
} from "./prompt_encoder.ts";
import { openT5Tower } from "./t5_tower.ts";

/** The most tokens that PixArt-α was trained with; its tokenizer allows more. PixArt-Σ's network says its own. */
export const usualPixartPrompt = 120;

type PixartNetwork = Extract<Network, { family: "pixart" }>;

/**
 * Makes `encoder_hidden_states` `[1, S, E]`, `encoder_attention_mask` `[1, S]`
 * and, where the network reads them, `resolution` `[1, 2]` and `aspect_ratio`
 * `[1, 1]`. A prompt is read in lower case, as the pipeline reads it; its
 * further cleaning, of web addresses and the like, is not done here.
 *
 * @throws As `loadTokenizer` and `loadComponent`.
 */
export async function openT5Prompts(
  folder: string,
  { network, size: { height, width }, sessions, options }: PromptRequest,
): Promise<PromptEncoder> {
  const { config: { microConditions }, tokens } = network as PixartNetwork;
  const sizes = microConditions && {
    resolution: float32([1, 2], [height, width]),
    aspect_ratio: float32([1, 1], [height / width]),
  };
  const tower = await openT5Tower(folder, {
    ...sessions,
    tokenizer: "tokenizer",
    encoder: "text_encoder",
    length: options.maxSequenceLength ?? tokens ?? usualPixartPrompt,
    seesPadding: false,
  });
  const encode = async (prompt: string): Promise<PromptInputs> => {
    const read = await tower.features(prompt.toLowerCase().trim());
    return {
      encoder_hidden_states: read.features,
      encoder_attention_mask: read.mask,
      ...sizes,
    };
  };
  return {
    tokens: tower.tokens,
    encode,
    encodeNegative: encode,
    unconditional: () => encode(""),
    [Symbol.asyncDispose]: () => tower[Symbol.asyncDispose](),
  };
}
