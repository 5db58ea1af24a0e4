/** Prompts for Stable Diffusion 1 and 2: the text tower's last features. */
import type { PromptEncoder, PromptRequest } from "./prompt_encoder.ts";
import { openTextTower } from "./text_tower.ts";

/** Makes `encoder_hidden_states` `[1, S, D]`. Layers are skipped for prompts alone, as in diffusers. @throws As `openTextTower`. */
export async function openClipPrompts(
  folder: string,
  { options: { clipSkip = 0 }, checkpoint, sessions }: Pick<
    PromptRequest,
    "options" | "checkpoint" | "sessions"
  >,
): Promise<PromptEncoder> {
  const layer = (skipped: number) =>
    skipped === 0 ? "last_hidden_state" : `normed.${-1 - skipped}`;
  const tower = await openTextTower(folder, {
    ...sessions,
    checkpoint,
    tokenizer: "tokenizer",
    encoder: "text_encoder",
    outputs: [...new Set([layer(0), layer(clipSkip)])],
  });
  const encode = async (prompt: string, skipped = 0) => {
    const features = await tower.features(prompt);
    return { encoder_hidden_states: features[layer(skipped)] };
  };
  return {
    tokens: tower.tokens,
    encode: (prompt) => encode(prompt, clipSkip),
    encodeNegative: (text) => encode(text),
    unconditional: () => encode(""),
    [Symbol.asyncDispose]: () => tower[Symbol.asyncDispose](),
  };
}
