/** The defaults and text encoders of one class of diffusers' pipelines. */
import type { Network } from "../../models/network.ts";
import type {
  PictureSize,
  PromptEncoder,
  PromptRequest,
} from "../prompts/prompt_encoder.ts";

/** The start from pictures in a kind of pipeline. */
export interface PictureStarts {
  /** The default strength, without a mask and with one. */
  readonly image: number;
  readonly mask: number;
  /** Whether pictures are drawn at the training size by default, not at the start picture's size. */
  readonly resizes?: boolean;
  /** Whether the number of steps that a strength keeps is rounded up, not down. */
  readonly roundsUp?: boolean;
  /** Whether, with LCM's scheduler and no mask, all steps are made, within the strength's part of LCM's timesteps. */
  readonly spaces?: boolean;
}

/** The defaults and text encoders of a kind of pipeline. */
export interface PipelineKind {
  /** The default number of steps and guidance scale. */
  readonly steps: number;
  readonly guidanceScale: number;
  /** The number of latents along a side that form a patch, to which picture sizes are cut; 1 by default. */
  readonly latentsTogether?: number;
  /** The size that pictures are drawn at if sizes are binned; null if there is no table for the network. */
  readonly binned?: (
    size: PictureSize,
    sampleSize: number,
  ) => PictureSize | null;
  /** Sigmas of flow matching before the shift, if the scheduler's own are not used. */
  readonly sigmas?: (steps: number) => readonly number[];
  /** The default `max_shift` of dynamic shifting, for a scheduler that is not flow matching's own. */
  readonly mostShift?: number;
  /** Values of keys of the folder's scheduler that diffusers' class sets, whatever the file says: early files had others. */
  readonly scheduler?: Readonly<Record<string, unknown>>;
  /** Whether the autoencoder's `latents_mean` and `latents_std` are applied, if its file has them. */
  readonly centresLatents?: boolean;
  /** The start from a picture; a kind without it starts from noise alone. */
  readonly start?: PictureStarts;
  /** The text encoders; a kind without them draws classes. */
  readonly prompts?: {
    /** Whether the network reads CLIP's token features, whose last layers can be skipped. */
    readonly clip?: boolean;
    /** The default number of tokens that T5 reads of a prompt, in a kind that has T5. */
    t5?(network: Network): number;
    /** Opens the encoders. @throws As `loadTokenizer` and `loadComponent`. */
    open(folder: string, request: PromptRequest): Promise<PromptEncoder>;
  };
}
