/** Prompts for Stable Diffusion 1 and 2: the text tower's last features. */
import type { PromptEncoder, PromptRequest } from "./prompt_encoder.ts";
import { openTextTower } from "./text_tower.ts";

/** Makes `encoder_hidden_states` `[1, S, D]`. @throws As `openTextTower`. */
export async function openClipPrompts(
  folder: string,
  { checkpoint, sessions }: Pick<PromptRequest, "checkpoint" | "sessions">,
): Promise<PromptEncoder> {
  const tower = await openTextTower(folder, {
    ...sessions,
    checkpoint,
    tokenizer: "tokenizer",
    encoder: "text_encoder",
    outputs: ["last_hidden_state"],
  });
  const encode = async (prompt: string) => {
    const { last_hidden_state } = await tower.features(prompt);
    return { encoder_hidden_states: last_hidden_state };
  };
  return {
    tokens: tower.tokens,
    encode,
    encodeNegative: encode,
    unconditional: () => encode(""),
    [Symbol.asyncDispose]: () => tower[Symbol.asyncDispose](),
  };
}
