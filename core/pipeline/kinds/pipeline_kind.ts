/** What one class of diffusers' pipelines has of its own. */
import type { Network } from "../../models/network.ts";
import type { PipelineParts } from "../../models/pipeline_parts.ts";
import type {
  PictureSize,
  PromptEncoder,
  PromptRequest,
} from "../prompts/prompt_encoder.ts";

/** How a kind of pipeline starts from pictures. */
export interface PictureStarts {
  /** Strength where nobody says otherwise, without and with a mask. */
  readonly image: number;
  readonly mask: number;
  /** Whether pictures are brought to the size of the training, not kept in theirs. */
  readonly resizes?: boolean;
  /** Whether a part of a step is made as a whole one, not left out. */
  readonly roundsUp?: boolean;
  /** Whether all steps are made, within the strength's part of the distilled solver's timesteps, where there is no mask and the scheduler is LCM's. */
  readonly spaces?: boolean;
}

/** A kind of pipeline. */
export interface PipelineKind {
  /** Steps and scale of guidance where nobody says otherwise. */
  readonly steps: number;
  readonly guidanceScale: number;
  /** Latents along a side that belong together: sizes of pictures are cut to whole ones. 1 by default. */
  readonly latentsTogether?: number;
  /** The size that pictures of a size are drawn at where sizes are binned, or null without a table for the network. */
  readonly binned?: (
    size: PictureSize,
    sampleSize: number,
  ) => PictureSize | null;
  /** Levels of flow matching before they are shifted, where they are not the scheduler's own. */
  readonly sigmas?: (steps: number) => readonly number[];
  /** How far it moves flow matching's levels at most, where a scheduler that can be another's does not say. */
  readonly mostShift?: number;
  /** How it starts from a picture; a kind that does not starts from noise alone. */
  readonly start?: PictureStarts;
  /** Its text encoders; a kind without them draws classes. */
  readonly prompts?: {
    /** Tokens of every prompt, S. @throws As `loadTokenizer`. */
    tokens(
      folder: string,
      parts: PipelineParts,
      network: Network,
    ): Promise<number>;
    /** Those of them that T5 makes, in a kind where their number may be chosen. */
    sequenceLength?(network: Network): number;
    /** Whether CLIP's towers are among them, whose last layers can be left out. */
    readonly skipsLayers?: boolean;
    /** Opens the encoders. @throws As `loadTokenizer` and `loadComponent`. */
    open(folder: string, request: PromptRequest): Promise<PromptEncoder>;
  };
}
