/** What one class of diffusers' pipelines has of its own. */
import type { Network } from "../../models/network.ts";
import type {
  PromptEncoder,
  PromptRequest,
} from "../prompts/prompt_encoder.ts";

/** A kind of pipeline. */
export interface PipelineKind {
  /** Steps and scale of guidance where nobody says otherwise. */
  readonly steps: number;
  readonly guidanceScale: number;
  /** Its text encoders; a kind without them draws classes. */
  readonly prompts?: {
    /** Tokens of every prompt, S. @throws As `loadTokenizer`. */
    tokens(folder: string, network: Network): Promise<number>;
    /** Opens the encoders. @throws As `loadTokenizer` and `loadComponent`. */
    open(folder: string, request: PromptRequest): Promise<PromptEncoder>;
  };
}
