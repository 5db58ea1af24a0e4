/**
 * Prompts for SDXL (Podell et al., 2023): features of two text towers side by
 * side, the second's text embedding, and the picture's sizes.
 */
import { ConfigJson } from "../../files/config_json.ts";
import { readJson } from "../../files/read_json.ts";
import { float32, zeros } from "../../tensor/tensor.ts";
import { sideBySide } from "./feature_rows.ts";
import type { PromptEncoder, PromptRequest } from "./prompt_encoder.ts";
import { openTextTower } from "./text_tower.ts";

/**
 * Makes `encoder_hidden_states` `[1, S, D1 + D2]`, `text_embeds` `[1, P]`, and
 * `time_ids` `[1, 6]`: original size, top left corner, size of the picture.
 *
 * @throws {RangeError} If the towers read texts of different lengths.
 * @throws As `openTextTower`.
 */
export async function openClipPairPrompts(
  folder: string,
  { size: { height, width }, checkpoint, sessions }: Pick<
    PromptRequest,
    "size" | "checkpoint" | "sessions"
  >,
): Promise<PromptEncoder> {
  const zerosForEmpty = await readZerosForEmpty(folder);
  const first = await openTextTower(folder, {
    ...sessions,
    checkpoint,
    tokenizer: "tokenizer",
    encoder: "text_encoder",
    outputs: ["penultimate"],
  });
  const second = await openTextTower(folder, {
    ...sessions,
    checkpoint,
    tokenizer: "tokenizer_2",
    encoder: "text_encoder_2",
    outputs: ["penultimate", "embeds"],
  });
  if (first.tokens !== second.tokens) {
    throw new RangeError(
      `Cannot encode prompts for ${folder}: its tokenizers make ${first.tokens} and ${second.tokens} tokens, expected the same number`,
    );
  }
  const encode = async (prompt: string) => {
    const one = await first.features(prompt);
    const two = await second.features(prompt);
    return {
      encoder_hidden_states: sideBySide(one.penultimate, two.penultimate),
      text_embeds: two.embeds,
      time_ids: float32([1, 6], [height, width, 0, 0, height, width]),
    };
  };
  return {
    tokens: first.tokens,
    encode,
    encodeNegative: encode,
    async unconditional() {
      const own = await encode("");
      if (!zerosForEmpty) return own;
      const { encoder_hidden_states, text_embeds, time_ids } = own;
      return {
        encoder_hidden_states: zeros(encoder_hidden_states.shape),
        text_embeds: zeros(text_embeds.shape),
        time_ids,
      };
    },
    async [Symbol.asyncDispose]() {
      await first[Symbol.asyncDispose]();
      await second[Symbol.asyncDispose]();
    },
  };
}

/** As diffusers, true where the pipeline does not say. */
async function readZerosForEmpty(folder: string): Promise<boolean> {
  const file = `${folder}/model_index.json`;
  const key = "force_zeros_for_empty_prompt";
  const index = new ConfigJson(await readJson(file), file, {
    [key]: [undefined, true, false],
  });
  return index.values[key] !== false;
}
