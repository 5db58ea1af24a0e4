/** A loaded pipeline: network, scheduler, text encoders or classes, and in a latent space an autoencoder. */
import type { LoadedModel } from "../models/load.ts";
import type { SessionOptions } from "../runtime/session_options.ts";
import type { SchedulerConfig } from "../samplers/schedule/scheduler_config.ts";
import type { PipelineKind } from "./kinds/pipeline_kind.ts";
import { kindOf } from "./kinds/pipeline_kinds.ts";
import { usualPixelsPerLatent } from "../models/autoencoder/pixels_per_latent.ts";
import { type Autoencoder, loadAutoencoder } from "./picture_decoder.ts";

/** A pipeline's device and precision, and the files of its network. */
export interface PipelineOptions extends
  Pick<
    SessionOptions,
    "device" | "precision" | "int8Weights" | "threads" | "widening"
  > {
  /** A file of the network's weights; the one in the network's folder by default. */
  readonly weights?: string;
  /** For an original checkpoint: a pipeline of its kind (folder or hub name) with configurations and tokenizers. */
  readonly config?: string;
}

/** A loaded pipeline, with the parts that samplers need. */
export class LoadedPipeline {
  /** The model's name, as the caller gave it. */
  readonly name: string;
  /** The model's folder; for a checkpoint, the folder of its configurations. */
  readonly folder: string;
  /** The file of all weights, for a model in the original layout. */
  readonly checkpoint?: string;
  readonly model: LoadedModel;
  readonly kind: PipelineKind;
  /** The scheduler's configuration; null in a folder without one, which cannot be sampled. */
  readonly scheduler: SchedulerConfig | null;
  /** The number of text tokens of a prompt, in a network that reads text. */
  readonly tokens?: number;
  /** Pixels along a side of a latent. */
  readonly pixelsPerLatent: number;
  /** The options of every session that samples, encodes or decodes. */
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

  /** Whether the network's latents are pixels, so that nothing is decoded. */
  get drawsPixels(): boolean {
    return this.model.config.inChannels === 3;
  }

  /** Loads the autoencoder; null if latents are pixels. @throws As `loadComponent`. */
  async autoencoder(): Promise<Autoencoder | null> {
    if (this.drawsPixels) return null;
    const { folder, checkpoint, kind } = this;
    const loaded = await loadAutoencoder(folder, { weights: checkpoint });
    return kind.centresLatents
      ? loaded
      : { ...loaded, config: { ...loaded.config, statistics: undefined } };
  }
}
