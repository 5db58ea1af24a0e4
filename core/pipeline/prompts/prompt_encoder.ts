/** The network's inputs for prompts, in the one form that every family's text encoders make. */
import type { LoadedModel } from "../../models/load.ts";
import type { SessionOptions } from "../../runtime/session_options.ts";
import type { SamplerOptions } from "../sampler_options.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/** A network's inputs for one prompt, by name, batch 1. */
export type PromptInputs = Readonly<Record<string, Tensor>>;

/** Height and width in pixels. */
export interface PictureSize {
  readonly height: number;
  readonly width: number;
}

/** The network, the size and the options that prompts are encoded for. */
export interface PromptRequest {
  /** The network that reads the encoders' features. */
  readonly network: LoadedModel;
  readonly size: PictureSize;
  /** The file of the encoders' weights, if they are not in the encoders' folders. */
  readonly checkpoint?: string;
  /** The caller's options. */
  readonly options: SamplerOptions;
  readonly sessions: SessionOptions;
}

/** A pipeline's tokenizers and text encoders. Hold it with `await using`. */
export interface PromptEncoder extends AsyncDisposable {
  /** The number of tokens of every prompt, S. */
  readonly tokens: number;
  /** Makes the inputs for a prompt. */
  encode(prompt: string): Promise<PromptInputs>;
  /** Makes the inputs for a text that guidance leads away from. */
  encodeNegative(text: string): Promise<PromptInputs>;
  /** Makes the inputs that guidance leads away from if no text is given. */
  unconditional(): Promise<PromptInputs>;
}
