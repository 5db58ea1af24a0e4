/** Prompts for PixArt (Chen et al., 2023): T5's features, which of them are padding, and the picture's size. */
import type { PixartConfig } from "../../models/pixart/pixart_config.ts";
import { t5EncoderGraph } from "../../models/t5/t5.ts";
import { loadT5Encoder } from "../../models/t5/t5_load.ts";
import { openSession, type Session } from "../../runtime/session.ts";
import type { SessionOptions } from "../../runtime/session_options.ts";
import { float32, type Tensor } from "../../tensor/tensor.ts";
import { loadTokenizer, type TextTokenizer } from "../../text/tokenizer.ts";
import { pixelsPerLatent } from "./pixels_per_latent.ts";
import type { PromptEncoder, PromptInputs } from "./prompt_encoder.ts";

/** The most tokens that PixArt-α was trained with; its tokenizer allows more. */
export const longestPixartPrompt = 120;

interface Parts {
  readonly tokenizer: TextTokenizer;
  readonly encoder: Session;
  /** `resolution` and `aspect_ratio`, in a network that reads them. */
  readonly sizes: Readonly<Record<string, Tensor>>;
}

class T5Prompts implements PromptEncoder {
  constructor(private readonly parts: Parts) {}

  get tokens(): number {
    return this.parts.tokenizer.length;
  }

  /**
   * `encoder_hidden_states` `[1, S, E]`, `encoder_attention_mask` `[1, S]` and,
   * where the network reads them, `resolution` `[1, 2]` and `aspect_ratio`
   * `[1, 1]`. The prompt is read in lower case, as the pipeline reads it; its
   * further cleaning, of web addresses and the like, is not done here.
   */
  async encode(prompt: string): Promise<PromptInputs> {
    const { tokenizer, encoder, sizes } = this.parts;
    const { ids, mask } = tokenizer.encode([prompt.toLowerCase().trim()]);
    const feeds = { input_ids: ids, attention_mask: mask };
    const { last_hidden_state } = await encoder.run(feeds);
    return {
      encoder_hidden_states: last_hidden_state,
      encoder_attention_mask: mask,
      ...sizes,
    };
  }

  unconditional(): Promise<PromptInputs> {
    return this.encode("");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.parts.encoder.close();
  }
}

/** @throws As `loadTokenizer`, `loadComponent` and `pixelsPerLatent`. */
export async function openT5Prompts(
  folder: string,
  { sampleSize, microConditions }: PixartConfig,
  options: SessionOptions,
): Promise<PromptEncoder> {
  const side = sampleSize * await pixelsPerLatent(folder);
  const sizes = {
    resolution: float32([1, 2], [side, side]),
    aspect_ratio: float32([1, 1], [1]),
  };
  const length = { length: longestPixartPrompt };
  const tokenizer = await loadTokenizer(`${folder}/tokenizer`, length);
  const { config, weights } = await loadT5Encoder(`${folder}/text_encoder`);
  const size = { batch: 1, tokens: tokenizer.length };
  const graph = t5EncoderGraph(config, weights, size);
  return new T5Prompts({
    tokenizer,
    encoder: await openSession(graph, options),
    sizes: microConditions ? sizes : {},
  });
}
