/** Prompts for Stable Diffusion 1 and 2: the text tower's last features. */
import type { SessionOptions } from "../../runtime/session_options.ts";
import type { PromptEncoder } from "./prompt_encoder.ts";
import { openTextTower } from "./text_tower.ts";

/** Makes `encoder_hidden_states` `[1, S, D]`. @throws As `openTextTower`. */
export async function openClipPrompts(
  folder: string,
  options: SessionOptions,
): Promise<PromptEncoder> {
  const tower = await openTextTower(folder, {
    ...options,
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
    unconditional: () => encode(""),
    [Symbol.asyncDispose]: () => tower[Symbol.asyncDispose](),
  };
}
