/** Prompts for Stable Diffusion 1 and 2: the text tower's last features. */
import type { SessionOptions } from "../../runtime/session_options.ts";
import type { PromptEncoder, PromptInputs } from "./prompt_encoder.ts";
import { openTextTower, type TextTower } from "./text_tower.ts";

class ClipPrompts implements PromptEncoder {
  constructor(private readonly tower: TextTower) {}

  get tokens(): number {
    return this.tower.tokens;
  }

  /** `encoder_hidden_states` `[1, S, D]`. */
  async encode(prompt: string): Promise<PromptInputs> {
    const { last_hidden_state } = await this.tower.features(prompt);
    return { encoder_hidden_states: last_hidden_state };
  }

  unconditional(): Promise<PromptInputs> {
    return this.encode("");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.tower[Symbol.asyncDispose]();
  }
}

/** @throws As `openTextTower`. */
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
  return new ClipPrompts(tower);
}
