/**
 * A diffusion pipeline: a network, the scheduler and the text encoders or
 * classes that it was trained with, and in a latent space an autoencoder.
 * {@linkcode PipelineSampler} says how it is sampled. Both are plain values:
 * neither keeps a session open.
 */
import type { BlockGraph } from "../models/block_graph/block_graph.ts";
import { blockGraphOf, type LoadedModel, loadModel } from "../models/load.ts";
import {
  type Granularity,
  isDistilled,
  matchesFlow,
  usualGranularity,
} from "../models/network.ts";
import {
  type PipelineParts,
  readPipelineParts,
} from "../models/pipeline_parts.ts";
import type { LatentSize } from "../models/layers/latent_size.ts";
import type { SessionOptions } from "../runtime/session_options.ts";
import {
  flowKinds,
  makeSampler,
  type StepChoice,
} from "../samplers/make_sampler.ts";
import type { Sampler } from "../samplers/sampler.ts";
import { drawStepNoise } from "../samplers/sampler_state.ts";
import {
  parseSchedulerConfig,
  readSchedulerConfig,
} from "../samplers/schedule/read_scheduler_config.ts";
import type { SchedulerConfig } from "../samplers/schedule/scheduler_config.ts";
import { joined } from "../tensor/batch.ts";
import type { TorchGenerator } from "../tensor/random.ts";
import type { Tensor } from "../tensor/tensor.ts";
import {
  type Conditioner,
  openConditioner,
  type Subject,
} from "./conditioner.ts";
import { isGuided } from "./guidance.ts";
import type { PipelineKind } from "./kinds/pipeline_kind.ts";
import { kindOf } from "./kinds/pipeline_kinds.ts";
import {
  pixelsPerLatent,
  usualPixelsPerLatent,
} from "../models/autoencoder/pixels_per_latent.ts";
import type { PictureSize } from "./prompts/prompt_encoder.ts";
import {
  type Autoencoder,
  loadAutoencoder,
  openPictureDecoder,
  type PictureDecoder,
} from "./picture_decoder.ts";
import { drawnSize, latentSize, usualSize } from "./sizes/drawn_size.ts";
import { fitting } from "./sizes/fitted_picture.ts";
import { openFullSampler } from "./full_sampler.ts";
import { modelPlace } from "./model_place.ts";
import { type DrawOptions, PictureSampler } from "./picture_sampler.ts";
import type { SamplerOptions } from "./sampler_options.ts";
import type { SamplingInputs } from "./sampling_loop.ts";
import {
  skippedSteps,
  type Start,
  type StartOptions,
  stepsUntil,
} from "./start/start_options.ts";
import {
  latentStart,
  noiseStart,
  pictureStart,
  type StartDrawer,
} from "./start/starting_latents.ts";

/** Where and how precisely a pipeline computes, and where its network's weights are. */
export interface PipelineOptions
  extends
    Pick<SessionOptions, "device" | "precision" | "threads" | "widening"> {
  /** A file of the network's weights, if not that of its folder. */
  readonly weights?: string;
  /** For a checkpoint in the original layout: the folder of a pipeline of its kind, or its name on the hub, for configurations and tokenizers. */
  readonly config?: string;
}

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
  /** Where it lies; of a checkpoint, where its configurations do. */
  readonly folder: string;
  /** The file of all weights, of a model in the original layout. */
  readonly checkpoint?: string;
  readonly model: LoadedModel;
  readonly kind: PipelineKind;
  /** What its index says, null in a folder of the network alone. */
  readonly parts: PipelineParts | null;
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
      & Pick<Pipeline, "name" | "folder" | "model" | "scheduler" | "sessions">
      & Partial<
        Pick<
          Pipeline,
          "checkpoint" | "kind" | "parts" | "tokens" | "pixelsPerLatent"
        >
      >,
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
    this.kind = parts.kind ?? kindOf(this.model, null);
    this.parts = parts.parts ?? null;
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
    if (this.drawsPixels) return null;
    return await loadAutoencoder(this.folder, { weights: this.checkpoint });
  }
}

/** A pipeline with a number of steps and a scale of guidance: what is pruned, sampled and exported. */
export class PipelineSampler {
  readonly pipeline: Pipeline;
  /** The scheduler's arithmetic: one step a call of the network. */
  readonly sampler: Sampler;
  /** As diffusers counts them. */
  readonly steps: number;
  /** Of classifier-free guidance, which runs the network twice above 1; in one that was distilled from guided samples that of true guidance beside it. */
  readonly guidanceScale: number;
  /** The scale that was asked for. */
  readonly askedScale: number;
  /** See {@linkcode SamplerOptions}. */
  readonly guidanceRescale?: number;
  /** The picture that sampling starts from, null where it is noise. */
  readonly start: Start | null;
  /** Of the pictures that are asked for. */
  readonly asked: PictureSize;
  /** Of the pictures as they are drawn: where it is another they are fitted to the former. */
  readonly size: PictureSize;
  /** Shape of one picture's latents, `[C, H, W]`. */
  readonly latents: readonly number[];
  readonly granularity: Granularity;
  readonly backup?: "output" | "residual";
  readonly #options: SamplerOptions;
  readonly #scheduler: SchedulerConfig;
  /** Steps that the start leaves out. */
  readonly #skipped: number;

  /** @internal Use {@linkcode Pipeline.sampler}. */
  constructor(pipeline: Pipeline, options: SamplerOptions) {
    const { model: { family, config }, kind } = pipeline;
    const scheduler = options.scheduler ?? pipeline.scheduler;
    if (!scheduler) {
      throw new RangeError(
        `Cannot sample ${pipeline.name}: it has no scheduler/scheduler_config.json`,
      );
    }
    this.pipeline = pipeline;
    this.askedScale = options.guidanceScale ?? kind.guidanceScale;
    this.guidanceScale = isDistilled(pipeline.model)
      ? options.trueCfgScale ?? 1
      : this.askedScale;
    this.guidanceRescale = options.guidanceRescale;
    this.start = options.start ? startOf(options.start, pipeline) : null;
    const usual = usualSize(pipeline, this.start);
    const { height = usual.height, width = usual.width } = options;
    this.asked = { height, width };
    this.size = drawnSize(this.asked, pipeline, options);
    const latents = latentSize(this.size, pipeline);
    this.latents = [config.inChannels, latents.height, latents.width];
    this.granularity = options.granularity ?? usualGranularity[family];
    this.backup = options.backup;
    this.#options = options;
    this.#scheduler = scheduler;
    const whole = this.#samplerAfter(0);
    checkFlow(pipeline, whole);
    const isListed = options.timesteps ?? options.sigmas;
    this.steps = isListed ? whole.steps.length : options.steps ?? kind.steps;
    this.#skipped = this.#stepsBefore(whole);
    this.sampler = this.#begun(this.#skipped === 0 ? whole : undefined);
  }

  /** The sampler without the steps that the start leaves out, until sampling is to end. */
  #begun(sampler = this.#samplerAfter(this.#skipped)): Sampler {
    const { until } = this.#options;
    if (until === undefined) return sampler;
    const count = this.#stepsUntil(sampler, until);
    return { ...sampler, steps: sampler.steps.slice(0, count) };
  }

  /** How many steps the start leaves out. */
  #stepsBefore(whole: Sampler): number {
    const { start, steps } = this;
    if (!start) return 0;
    return "latents" in start
      ? this.#stepsUntil(whole, start.from)
      : skippedSteps(steps, start.strength);
  }

  /** How many steps come before a part of the noise is gone. */
  #stepsUntil({ steps }: Sampler, part: number): number {
    const trained = this.#scheduler.integer("num_train_timesteps", 1) ?? 1000;
    const timesteps = steps.map(({ timestep }) => timestep);
    return stepsUntil(timesteps, { part, trained });
  }

  /** The sampler without so many steps at its start. */
  #samplerAfter(begin: number): Sampler {
    const { kind: name, eta, originalInferenceSteps } = this.#options;
    const { kind, model } = this.pipeline;
    const [, height, width] = this.latents;
    return makeSampler(this.#scheduler, {
      kind: name,
      ...stepChoice(kind, this.#options),
      eta,
      originalInferenceSteps,
      tokens: tokensOf(model.config, { height, width }),
      begin,
    });
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
    const unlisted = { timesteps: undefined, sigmas: undefined, steps };
    return new PipelineSampler(this.pipeline, {
      ...this.#options,
      ...unlisted,
    });
  }

  /** Whether the network reads a mask. */
  get #readsMask(): boolean {
    const { model } = this.pipeline;
    return model.family === "unet" && model.config.inpaints;
  }

  /**
   * Opens what makes the network's inputs of classes or prompts.
   *
   * @throws {RangeError} If the network reads a mask and there is none.
   * @throws As `loadTokenizer` and `loadComponent`.
   */
  async openConditioner(): Promise<Conditioner> {
    const { pipeline, guided, askedScale: guidanceScale, size, start } = this;
    if (this.#readsMask && !(start && "image" in start && start.mask)) {
      throw new RangeError(
        `Cannot sample ${pipeline.name}: its network draws parts of pictures anew, expected a picture to start from and a mask`,
      );
    }
    return await openConditioner({
      ...pipeline,
      guided,
      guidanceScale,
      size,
      options: this.#options,
    });
  }

  /**
   * Text tokens of a prompt, in a network that reads text.
   *
   * @throws {RangeError} If another length is asked for where there is but one.
   */
  get tokens(): number | undefined {
    const { name, model, kind, tokens } = this.pipeline;
    const { maxSequenceLength: wanted } = this.#options;
    if (wanted === undefined) return tokens;
    const usual = kind.prompts?.sequenceLength?.(model);
    const isCount = Number.isSafeInteger(wanted) && wanted > 0;
    if (usual === undefined || tokens === undefined || !isCount) {
      const expected = usual === undefined
        ? "none, as its prompts have one length"
        : "a number of tokens";
      throw new RangeError(
        `Cannot sample ${name}: maxSequenceLength is ${wanted}, expected ${expected}`,
      );
    }
    return tokens - usual + wanted;
  }

  /** Opens what makes pictures of final latents, or null where they are pictures. @throws As `loadComponent`. */
  async openDecoder(): Promise<PictureDecoder | null> {
    const autoencoder = await this.pipeline.autoencoder();
    if (!autoencoder) return null;
    const { pipeline: { sessions }, latents, asked, size } = this;
    const { tiling } = this.#options;
    const options = { ...sessions, tiling };
    const decoder = await openPictureDecoder(autoencoder, latents, options);
    return size === asked ? decoder : fitting(decoder, asked);
  }

  /**
   * The network for so many pictures at once.
   *
   * @param options.guided Whether its batch is twice that, for both halves of guidance; as the sampler by default.
   * @throws {RangeError} If its family has no such units, backups or latents.
   */
  graph({ images = 1, guided = this.guided }: {
    readonly images?: number;
    readonly guided?: boolean;
  } = {}): BlockGraph {
    const { pipeline: { model }, tokens, granularity, backup } = this;
    const [, height, width] = this.latents;
    return blockGraphOf(model, {
      batch: guided ? 2 * images : images,
      granularity,
      backup,
      tokens,
      latents: { height, width },
    });
  }

  /**
   * Encodes the picture that sampling starts from, if there is one.
   *
   * @throws {TypeError} If there is no autoencoder to encode with.
   * @throws As `loadComponent`.
   */
  async prepareStart(): Promise<StartDrawer> {
    const { pipeline, start, sampler, latents: shape, size } = this;
    const { name, sessions } = pipeline;
    if (!start) return noiseStart(shape, sampler);
    if ("latents" in start) return latentStart(start.latents, sampler);
    const autoencoder = await pipeline.autoencoder();
    if (!autoencoder) {
      throw new TypeError(
        `Cannot start ${name} from a picture: it has no autoencoder, expected one`,
      );
    }
    return await pictureStart(start, {
      shape,
      size,
      sampler,
      autoencoder,
      sessions,
      readsMask: this.#readsMask,
      noisedAfter: (i) => this.#noisedAfter(i),
    });
  }

  /** Factors of a clean picture and of noise in the latents after call i. */
  #noisedAfter(i: number): Sampler["noised"] {
    const { noised, steps } = this.#samplerAfter(this.#skipped + i + 1);
    if (steps.length === this.calls - i - 1) return noised;
    throw new RangeError(
      `Cannot keep a part of a picture with ${this.sampler.name}: it calls the network more than once a step, expected another sampler or a network that reads masks`,
    );
  }

  /**
   * What B pictures are sampled from: their start, then the noise of the steps
   * that add some, drawn in this order.
   *
   * @param conditioning Of {@linkcode PipelineSampler.openConditioner}.
   * @param options.start Of {@linkcode PipelineSampler.prepareStart}; noise by default.
   */
  inputs(
    conditioning: SamplingInputs["conditioning"],
    {
      images,
      random,
      start = noiseStart(this.latents, this.sampler),
      places = [...Array(images).keys()],
    }: {
      readonly images: number;
      readonly random: TorchGenerator;
      readonly start?: StartDrawer;
      /** Of the pictures among all that are drawn. */
      readonly places?: readonly number[];
    },
  ): SamplingInputs {
    const shape = [images, ...this.latents];
    const { guidanceScale, guidanceRescale } = this;
    const { maskedLatents: masked, ...drawn } = start.draw({ places, random });
    return {
      ...drawn,
      noise: drawStepNoise(this.sampler, { shape, random }),
      conditioning: masked
        ? {
          ...conditioning,
          masked_latents: this.guided ? joined([masked, masked]) : masked,
        }
        : conditioning,
      guidanceScale,
      guidanceRescale,
    };
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
 * @param model Its folder in diffusers layout, a checkpoint in the original layout (Stable Diffusion 1, 2 and XL; with `config` Stable Diffusion 3 and FLUX.1), or `owner/name[@revision]` on the hub. A folder of the network alone loads too; without a scheduler it cannot be sampled.
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
  { weights, config, ...sessions }: PipelineOptions = {},
): Promise<Pipeline> {
  const { folder, checkpoint } = await modelPlace(model, config);
  const loaded = await loadModel(folder, { weights: weights ?? checkpoint });
  const { schedulerConfig: file } = loaded;
  const parts = await readPipelineParts(folder);
  const kind = kindOf(loaded, parts);
  return new Pipeline({
    name: model,
    folder,
    checkpoint,
    model: loaded,
    kind,
    parts,
    scheduler: file === null ? null : await schedulerIn(file, parts),
    tokens: parts
      ? await kind.prompts?.tokens(folder, parts, loaded)
      : undefined,
    pixelsPerLatent: await pixelsPerLatent(folder),
    sessions,
  });
}

/** A scheduler's configuration, of the class that the pipeline's index names. */
async function schedulerIn(
  file: string,
  parts: PipelineParts | null,
): Promise<SchedulerConfig> {
  const config = await readSchedulerConfig(file);
  const className = parts?.scheduler ?? config.className;
  if (className === config.className) return config;
  const { values } = config;
  return parseSchedulerConfig({ ...values, _class_name: className }, file);
}

/** A start with its strength. @throws {TypeError} If the pipeline's kind starts from noise alone. */
function startOf(start: StartOptions, { name, kind }: Pipeline): Start {
  if (!kind.strength) {
    throw new TypeError(
      `Cannot start ${name} from a picture: pipelines of its kind start from noise`,
    );
  }
  if ("latents" in start) return start;
  const usual = start.mask ? kind.strength.mask : kind.strength.image;
  return { ...start, strength: start.strength ?? usual };
}

/** Where the steps lie: as was asked, or as the kind of pipeline has them. */
function stepChoice(
  kind: PipelineKind,
  { steps = kind.steps, timesteps, sigmas }: SamplerOptions,
): StepChoice {
  if (timesteps || sigmas) return { timesteps, sigmas };
  const own = kind.sigmas?.(steps);
  return own ? { sigmas: own } : { steps };
}

/** @throws {RangeError} If one of network and sampler is of flow matching and the other is not: pictures would be noise. */
function checkFlow({ name, model }: Pipeline, sampler: Sampler): void {
  const isFlow = matchesFlow(model);
  if (isFlow === flowKinds.includes(sampler.name)) return;
  throw new RangeError(
    `Cannot sample ${name}: the sampler is ${sampler.name}, expected ${
      isFlow ? "" : "neither "
    }${flowKinds.join(isFlow ? " or " : " nor ")} for a ${model.family}`,
  );
}

/** Tokens of a picture's latents, in a network on patches. */
function tokensOf(
  config: LoadedModel["config"],
  { height, width }: LatentSize,
): number | undefined {
  if (!("patchSize" in config)) return undefined;
  const { patchSize } = config;
  return Math.floor(height / patchSize) * Math.floor(width / patchSize);
}
