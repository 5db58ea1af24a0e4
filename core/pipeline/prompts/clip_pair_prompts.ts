/**
 * Prompts for SDXL (Podell et al., 2023): features of two text towers side by
 * side, the second's text embedding, and the picture's sizes.
 */
import { float32, type Tensor, zeros } from "../../tensor/tensor.ts";
import { sideBySide } from "./feature_rows.ts";
import type { PromptEncoder, PromptRequest } from "./prompt_encoder.ts";
import { openTextTower } from "./text_tower.ts";

/**
 * Makes `encoder_hidden_states` `[1, S, D1 + D2]`, or of the second tower alone
 * in the refiner, `text_embeds` `[1, P]`, and `time_ids` `[1, 6]`: original size,
 * top left corner, size of the picture; in the refiner `[1, 5]`, with an
 * aesthetic score in the last one's place. Layers are skipped for prompts alone,
 * as in diffusers.
 *
 * @throws {RangeError} If the towers read texts of different lengths.
 * @throws As `openTextTower`.
 */
export async function openClipPairPrompts(
  folder: string,
  { network, options, checkpoint, sessions, size }: PromptRequest,
): Promise<PromptEncoder> {
  const { clipSkip = 0 } = options;
  const layer = (skipped: number) => `hidden_states.${-2 - skipped}`;
  const layers = [...new Set([layer(0), layer(clipSkip)])];
  const first = network.parts?.lacks("text_encoder")
    ? undefined
    : await openTextTower(folder, {
      ...sessions,
      checkpoint,
      tokenizer: "tokenizer",
      encoder: "text_encoder",
      outputs: layers,
    });
  const second = await openTextTower(folder, {
    ...sessions,
    checkpoint,
    tokenizer: "tokenizer_2",
    encoder: "text_encoder_2",
    outputs: [...layers, "embeds"],
  });
  if (first && first.tokens !== second.tokens) {
    throw new RangeError(
      `Cannot encode prompts for ${folder}: its tokenizers make ${first.tokens} and ${second.tokens} tokens, expected the same number`,
    );
  }
  const encodeScored = async (prompt: string, score: number, skipped = 0) => {
    const one = await first?.features(prompt);
    const two = await second.features(prompt);
    const own = two[layer(skipped)];
    return {
      encoder_hidden_states: one ? sideBySide(one[layer(skipped)], own) : own,
      text_embeds: two.embeds,
      time_ids: timeIds({ network, size }, score),
    };
  };
  const { aestheticScore = 6, negativeAestheticScore = 2.5 } = options;
  const encodeNegative = (text: string) =>
    encodeScored(text, negativeAestheticScore);
  return {
    tokens: second.tokens,
    encode: (prompt) => encodeScored(prompt, aestheticScore, clipSkip),
    encodeNegative,
    async unconditional() {
      const own = await encodeNegative("");
      if (network.parts?.zerosForEmpty === false) return own;
      const { encoder_hidden_states, text_embeds, time_ids } = own;
      return {
        encoder_hidden_states: zeros(encoder_hidden_states.shape),
        text_embeds: zeros(text_embeds.shape),
        time_ids,
      };
    },
    async [Symbol.asyncDispose]() {
      await first?.[Symbol.asyncDispose]();
      await second[Symbol.asyncDispose]();
    },
  };
}

/** Original size, top left corner, and the picture's size or, where the network reads five numbers, its score. */
function timeIds(
  { network, size: { height, width } }: Pick<PromptRequest, "network" | "size">,
  score: number,
): Tensor<"float32"> {
  const { added } = network.family === "unet" ? network.config : {};
  const last = added?.timeIds === 5 ? [score] : [height, width];
  return float32([1, 4 + last.length], [height, width, 0, 0, ...last]);
}
