/**
 * A diffusion pipeline: a network, the scheduler and the text encoders or
 * classes that it was trained with, and in a latent space an autoencoder.
 * {@linkcode PipelineSampler} says how it is sampled. Both are plain values:
 * neither keeps a session open.
 */
import { modelFolder } from "../hub/model_folder.ts";
import { isFile } from "../files/is_file.ts";
import type { BlockGraph } from "../models/block_graph/block_graph.ts";
import { blockGraphOf, type LoadedModel, loadModel } from "../models/load.ts";
import {
  type Family,
  type Granularity,
  usualGranularity,
} from "../models/network.ts";
import type { SessionOptions } from "../runtime/session_options.ts";
import { makeSampler, type SamplerKind } from "../samplers/make_sampler.ts";
import type { Sampler } from "../samplers/sampler.ts";
import { drawStepNoise } from "../samplers/sampler_state.ts";
import {
  readSchedulerConfig,
  type SchedulerConfig,
} from "../samplers/schedule/scheduler_config.ts";
import type { TorchGenerator } from "../tensor/random.ts";
import type { Tensor } from "../tensor/tensor.ts";
import {
  type Conditioner,
  type ConditionerOptions,
  openConditioner,
  type Subject,
} from "./conditioner.ts";
import { isGuided } from "./guidance.ts";
import { promptTokens } from "./prompts/open_prompt_encoder.ts";
import {
  type Autoencoder,
  loadAutoencoder,
  openPictureDecoder,
  type PictureDecoder,
} from "./picture_decoder.ts";
import { openFullSampler } from "./full_sampler.ts";
import { type DrawOptions, PictureSampler } from "./picture_sampler.ts";
import type { SamplingInputs } from "./sampling_loop.ts";

/** Where and how precisely a pipeline computes, and where its network's weights are. */
export interface PipelineOptions
  extends Pick<SessionOptions, "device" | "precision" | "threads"> {
  /** A file of the network's weights, if not that of its folder. */
  readonly weights?: string;
}

/** How a pipeline is sampled. */
export interface SamplerOptions {
  /** As diffusers counts them; PNDM calls the network once more. 20 in a model of classes, else 50, by default. */
  readonly steps?: number;
  /** Of classifier-free guidance. 2 in a model of classes, else 7.5, by default. */
  readonly guidanceScale?: number;
  /** The one that the pipeline brings by default. */
  readonly kind?: SamplerKind;
  /** A scheduler's configuration in the place of the pipeline's. */
  readonly scheduler?: SchedulerConfig;
  /** How finely the network is cut into units; that of `usualGranularity` by default. */
  readonly granularity?: Granularity;
  /** What is kept of a transformer's unit, its output by default. */
  readonly backup?: "output" | "residual";
}

/** Steps and guidance as the families' own pipelines have them. */
const usual: Readonly<
  Record<Family, { readonly steps: number; readonly guidanceScale: number }>
> = {
  dit: { steps: 20, guidanceScale: 2 },
  flux: { steps: 28, guidanceScale: 3.5 },
  pixart: { steps: 50, guidanceScale: 7.5 },
  sd3: { steps: 28, guidanceScale: 7 },
  unet: { steps: 50, guidanceScale: 7.5 },
};

/**
 * A loaded pipeline.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { loadPipeline, Pipeline } from "@dip-go/core";
 *
 * const pipeline = await loadPipeline("zoo/models/dit-shapes");
 * assertEquals(pipeline instanceof Pipeline, true);
 * assertEquals(pipeline.drawsClasses, true);
 * assertEquals(pipeline.drawsPixels, true);
 * ```
 */
export class Pipeline {
  /** As the caller named the model. */
  readonly name: string;
  /** Where it lies. */
  readonly folder: string;
  readonly model: LoadedModel;
  /** Null in a folder without one, which cannot be sampled. */
  readonly scheduler: SchedulerConfig | null;
  /** Text tokens of a prompt, in a network that reads text. */
  readonly tokens?: number;
  /** Of every session that samples, encodes or decodes. */
  readonly sessions: Pick<SessionOptions, "device" | "precision" | "threads">;

  /** @internal Use {@linkcode loadPipeline}. */
  constructor(
    parts: Pick<
      Pipeline,
      "name" | "folder" | "model" | "scheduler" | "tokens" | "sessions"
    >,
  ) {
    ({
      name: this.name,
      folder: this.folder,
      model: this.model,
      scheduler: this.scheduler,
      tokens: this.tokens,
      sessions: this.sessions,
    } = parts);
  }

  /** Whether the network draws classes; else it draws prompts. */
  get drawsClasses(): boolean {
    return this.model.family === "dit";
  }

  /** Whether the network's latents are pixels: there is nothing to decode then. */
  get drawsPixels(): boolean {
    return this.model.config.inChannels === 3;
  }

  /**
   * How the pipeline is sampled; defaults are those of its family.
   *
   * @throws {RangeError} If the pipeline has no scheduler, or it cannot make such steps.
   */
  sampler(options: SamplerOptions = {}): PipelineSampler {
    return new PipelineSampler(this, options);
  }

  /** The autoencoder, or null where latents are pixels. @throws As `loadComponent`. */
  async autoencoder(): Promise<Autoencoder | null> {
    return this.drawsPixels ? null : await loadAutoencoder(this.folder);
  }

  /** Opens what makes the network's inputs of classes or prompts. @throws As `openPromptEncoder`. */
  openConditioner(options: ConditionerOptions = {}): Promise<Conditioner> {
    const { model, folder, sessions } = this;
    return openConditioner(model, folder, { ...sessions, ...options });
  }

  /** Opens what makes pictures of final latents, or null where they are pictures. @throws As `loadComponent`. */
  async openDecoder(): Promise<PictureDecoder | null> {
    const autoencoder = await this.autoencoder();
    if (!autoencoder) return null;
    const { inChannels, sampleSize } = this.model.config;
    const shape = [inChannels, sampleSize, sampleSize];
    return await openPictureDecoder(autoencoder, shape, this.sessions);
  }
}

/** A pipeline with a number of steps and a scale of guidance: what is pruned, sampled and exported. */
export class PipelineSampler {
  readonly pipeline: Pipeline;
  /** The scheduler's arithmetic: one step a call of the network. */
  readonly sampler: Sampler;
  /** As diffusers counts them. */
  readonly steps: number;
  readonly guidanceScale: number;
  readonly granularity: Granularity;
  readonly backup?: "output" | "residual";
  readonly #options: SamplerOptions;

  /** @internal Use {@linkcode Pipeline.sampler}. */
  constructor(pipeline: Pipeline, options: SamplerOptions) {
    const { family } = pipeline.model;
    const { steps, guidanceScale, granularity, kind, backup } = options;
    const scheduler = options.scheduler ?? pipeline.scheduler;
    if (!scheduler) {
      throw new RangeError(
        `Cannot sample ${pipeline.name}: it has no scheduler/scheduler_config.json`,
      );
    }
    this.pipeline = pipeline;
    this.steps = steps ?? usual[family].steps;
    this.guidanceScale = guidanceScale ?? usual[family].guidanceScale;
    this.granularity = granularity ?? usualGranularity[family];
    this.backup = backup;
    this.#options = options;
    this.sampler = makeSampler(scheduler, { kind, steps: this.steps });
  }

  /** Calls of the network for one picture. */
  get calls(): number {
    return this.sampler.steps.length;
  }

  /** Whether the network computes both halves of guidance. */
  get guided(): boolean {
    return isGuided(this.guidanceScale);
  }

  /** The same with another number of steps. @throws As {@linkcode Pipeline.sampler}. */
  withSteps(steps: number): PipelineSampler {
    return new PipelineSampler(this.pipeline, { ...this.#options, steps });
  }

  /** Opens what makes the network's inputs of classes or prompts for this sampler. @throws As `openPromptEncoder`. */
  openConditioner(
    { negativePrompt }: Pick<ConditionerOptions, "negativePrompt"> = {},
  ): Promise<Conditioner> {
    const { guided, pipeline } = this;
    return pipeline.openConditioner({ guided, negativePrompt });
  }

  /**
   * The network for so many pictures at once.
   *
   * @param options.guided Whether its batch is twice that, for both halves of guidance; as the sampler by default.
   * @throws {RangeError} If its family has no such units or backups.
   */
  graph({ images = 1, guided = this.guided }: {
    readonly images?: number;
    readonly guided?: boolean;
  } = {}): BlockGraph {
    const { pipeline: { model, tokens }, granularity, backup } = this;
    return blockGraphOf(model, {
      batch: guided ? 2 * images : images,
      granularity,
      backup,
      tokens,
    });
  }

  /** Shape of one picture's latents, `[C, H, W]`. */
  get latents(): readonly number[] {
    const { inChannels, sampleSize } = this.pipeline.model.config;
    return [inChannels, sampleSize, sampleSize];
  }

  /**
   * What B pictures are sampled from: their noise, then that of the steps that
   * add some, drawn in this order.
   *
   * @param conditioning Of {@linkcode PipelineSampler.openConditioner}.
   */
  inputs(
    conditioning: SamplingInputs["conditioning"],
    { images, random }: { images: number; random: TorchGenerator },
  ): SamplingInputs {
    const shape = [images, ...this.latents];
    const { sampler, guidanceScale } = this;
    const latents = random.randn(shape);
    const noise = drawStepNoise(sampler, { shape, random });
    return { latents, noise, conditioning, sampler, guidanceScale };
  }

  /** The full sampler, to draw often: its sessions stay open. Hold it with `await using`. */
  open(): PictureSampler {
    return new PictureSampler(
      this,
      (images) =>
        openFullSampler(this.graph({ images }), this.pipeline.sessions),
    );
  }

  /**
   * Draws pictures with the full sampler, and closes its sessions.
   * To draw often, {@linkcode PipelineSampler.open} it.
   *
   * @param subjects A class or a prompt, or several.
   * @throws As {@linkcode PictureSampler.sample}.
   */
  async sample(
    subjects: Subject | readonly Subject[],
    options?: DrawOptions,
  ): Promise<Tensor<"float32">[]> {
    await using sampler = this.open();
    return await sampler.sample(subjects, options);
  }
}

/**
 * Loads a pipeline.
 *
 * @param model Its folder in diffusers layout, or `owner/name[@revision]` on the hub. A folder of the network alone loads too; without a scheduler it cannot be sampled.
 * @throws {Deno.errors.NotFound} If there is no model.
 * @throws {TypeError} If a config is not one that this project knows.
 * @throws {RangeError} If the weights do not match the config, or are not finite.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const pipeline = await loadPipeline("zoo/models/sd-shapes");
 * const sampler = pipeline.sampler({ steps: 20 });
 * assertEquals(sampler.calls, 21); // its own scheduler is PNDM
 * assertEquals(sampler.latents, [4, 16, 16]);
 * ```
 */
export async function loadPipeline(
  model: string,
  { weights, ...sessions }: PipelineOptions = {},
): Promise<Pipeline> {
  const folder = await modelFolder(model);
  const loaded = await loadModel(folder, { weights });
  const { schedulerConfig: file } = loaded;
  const readsText = await isFile(`${folder}/model_index.json`);
  return new Pipeline({
    name: model,
    folder,
    model: loaded,
    scheduler: file === null ? null : await readSchedulerConfig(file),
    tokens: readsText ? await promptTokens(folder, loaded) : undefined,
    sessions,
  });
}
