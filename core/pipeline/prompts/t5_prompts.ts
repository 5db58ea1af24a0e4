/** Prompts for PixArt (Chen et al., 2023): T5's features, which of them are padding, and the picture's size. */
import type { Network } from "../../models/network.ts";
import { t5EncoderGraph } from "../../models/t5/t5.ts";
import { loadT5Encoder } from "../../models/t5/t5_load.ts";
import { openSession } from "../../runtime/session.ts";
import { float32 } from "../../tensor/tensor.ts";
import { loadTokenizer } from "../../text/tokenizer.ts";
import type {
  PromptEncoder,
  PromptInputs,
  PromptRequest,
} from "./prompt_encoder.ts";

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
  { network, size: { height, width }, sessions }: PromptRequest,
): Promise<PromptEncoder> {
  const { config: { microConditions }, tokens } = network as PixartNetwork;
  const sizes = microConditions && {
    resolution: float32([1, 2], [height, width]),
    aspect_ratio: float32([1, 1], [height / width]),
  };
  const { config, weights } = await loadT5Encoder(`${folder}/text_encoder`);
  const tokenizer = await loadTokenizer(`${folder}/tokenizer`, {
    length: tokens ?? usualPixartPrompt,
    vocabulary: config.vocabulary,
  });
  const size = { batch: 1, tokens: tokenizer.length };
  const graph = t5EncoderGraph(config, weights, size);
  const encoder = await openSession(graph, sessions);
  const encode = async (prompt: string): Promise<PromptInputs> => {
    const { ids, mask } = tokenizer.encode([prompt.toLowerCase().trim()]);
    const feeds = { input_ids: ids, attention_mask: mask };
    const { last_hidden_state } = await encoder.run(feeds);
    return {
      encoder_hidden_states: last_hidden_state,
      encoder_attention_mask: mask,
      ...sizes,
    };
  };
  return {
    tokens: tokenizer.length,
    encode,
    encodeNegative: encode,
    unconditional: () => encode(""),
    [Symbol.asyncDispose]: () => encoder.close(),
  };
}
