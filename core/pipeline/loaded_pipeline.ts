/** What a pipeline consists of: a network, the scheduler and the text encoders or classes that it was trained with, and in a latent space an autoencoder. */
import type { LoadedModel } from "../models/load.ts";
import type { SessionOptions } from "../runtime/session_options.ts";
import type { SchedulerConfig } from "../samplers/schedule/scheduler_config.ts";
import type { PipelineKind } from "./kinds/pipeline_kind.ts";
import { kindOf } from "./kinds/pipeline_kinds.ts";
import { usualPixelsPerLatent } from "../models/autoencoder/pixels_per_latent.ts";
import { type Autoencoder, loadAutoencoder } from "./picture_decoder.ts";

/** Where and how precisely a pipeline computes, and where its network's weights are. */
export interface PipelineOptions extends
  Pick<
    SessionOptions,
    "device" | "precision" | "int8Weights" | "threads" | "widening"
  > {
  /** A file of the network's weights, if not that of its folder. */
  readonly weights?: string;
  /** For a checkpoint in the original layout: the folder of a pipeline of its kind, or its name on the hub, for configurations and tokenizers. */
  readonly config?: string;
}

/** A loaded pipeline, as far as its samplers need it. */
export class LoadedPipeline {
  /** As the caller named the model. */
  readonly name: string;
  /** Where it lies; of a checkpoint, where its configurations do. */
  readonly folder: string;
  /** The file of all weights, of a model in the original layout. */
  readonly checkpoint?: string;
  readonly model: LoadedModel;
  readonly kind: PipelineKind;
  /** Null in a folder without one, which cannot be sampled. */
  readonly scheduler: SchedulerConfig | null;
  /** Text tokens of a prompt, in a network that reads text. */
  readonly tokens?: number;
  /** Pixels along a side of a latent. */
  readonly pixelsPerLatent: number;
  /** Of every session that samples, encodes or decodes. */
  readonly sessions: Omit<PipelineOptions, "weights" | "config">;

  /** @internal Use {@linkcode loadPipeline}. */
  constructor(
    parts:
      & Pick<LoadedPipeline, "name" | "folder" | "checkpoint" | "model">
      & Pick<LoadedPipeline, "scheduler" | "tokens" | "sessions">
      & Partial<Pick<LoadedPipeline, "pixelsPerLatent">>,
  ) {
    ({
      name: this.name,
      folder: this.folder,
      checkpoint: this.checkpoint,
      model: this.model,
      scheduler: this.scheduler,
      tokens: this.tokens,
      sessions: this.sessions,
    } = parts);
    this.kind = kindOf(this.model);
    this.pixelsPerLatent = parts.pixelsPerLatent ??
      (this.drawsPixels ? 1 : usualPixelsPerLatent);
  }

  /** Whether the network draws classes; else it draws prompts. */
  get drawsClasses(): boolean {
    return this.model.family === "dit";
  }

  /** Whether the network's latents are pixels: there is nothing to decode then. */
  get drawsPixels(): boolean {
    return this.model.config.inChannels === 3;
  }

  /** The autoencoder, or null where latents are pixels. @throws As `loadComponent`. */
  async autoencoder(): Promise<Autoencoder | null> {
    if (this.drawsPixels) return null;
    return await loadAutoencoder(this.folder, { weights: this.checkpoint });
  }
}
