/** The network's inputs for prompts: every family's text encoders make them in this form. */
import type { LoadedModel } from "../../models/load.ts";
import type { SessionOptions } from "../../runtime/session_options.ts";
import type { SamplerOptions } from "../sampler_options.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/** A network's inputs for one prompt by name, batch 1. */
export type PromptInputs = Readonly<Record<string, Tensor>>;

/** Height and width in pixels. */
export interface PictureSize {
  readonly height: number;
  readonly width: number;
}

/** What prompts are encoded for, and where. */
export interface PromptRequest {
  /** The network that reads what the encoders make. */
  readonly network: LoadedModel;
  readonly size: PictureSize;
  /** The file of the encoders' weights, where they are not in their folders. */
  readonly checkpoint?: string;
  /** All that was asked for. */
  readonly options: SamplerOptions;
  readonly sessions: SessionOptions;
}

/** A pipeline's tokenizers and text encoders. Hold it with `await using`. */
export interface PromptEncoder extends AsyncDisposable {
  /** S, of every prompt. */
  readonly tokens: number;
  /** The inputs for a prompt. */
  encode(prompt: string): Promise<PromptInputs>;
  /** The inputs for a text that guidance leads away from. */
  encodeNegative(text: string): Promise<PromptInputs>;
  /** Those where no text is given for them. */
  unconditional(): Promise<PromptInputs>;
}
