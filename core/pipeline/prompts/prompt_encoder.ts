/** The network's inputs for prompts: every family's text encoders make them in this form. */
import type { Tensor } from "../../tensor/tensor.ts";

/** A network's inputs for one prompt by name, batch 1. */
export type PromptInputs = Readonly<Record<string, Tensor>>;

/** A pipeline's tokenizers and text encoders. Hold it with `await using`. */
export interface PromptEncoder extends AsyncDisposable {
  /** S, of every prompt. */
  readonly tokens: number;
  /** The inputs for a prompt. */
  encode(prompt: string): Promise<PromptInputs>;
  /** The inputs that guidance leads away from where no prompt is given for them. */
  unconditional(): Promise<PromptInputs>;
}
