/** A pipeline's sampler: steps, guidance, start and sizes, checked against each other. */
import type {
  BlockGraph,
  LatentSize,
} from "../models/block_graph/block_graph.ts";
import { blockGraphOf, type LoadedModel } from "../models/load.ts";
import {
  type Granularity,
  isDistilled,
  matchesFlow,
  usualGranularity,
} from "../models/network.ts";
import { type AnotherSolver, configFor } from "../samplers/another_solver.ts";
import {
  flowSamplers,
  makeSampler,
  type SamplerKind,
  samplerKindOf,
  type StepChoice,
  stepsAlongFlow,
} from "../samplers/make_sampler.ts";
import type { Sampler } from "../samplers/sampler.ts";
import { drawStepNoise } from "../samplers/sampler_state.ts";
import type { SchedulerConfig } from "../samplers/schedule/scheduler_config.ts";
import { type TrainedNoise, trainedNoise } from "../samplers/trained_noise.ts";
import { joined } from "../tensor/batch.ts";
import type { Tensor } from "../tensor/tensor.ts";
import {
  type Conditioner,
  openConditioner,
  type Subject,
} from "./conditioner.ts";
import { isGuided } from "./guidance.ts";
import type { PipelineKind } from "./kinds/pipeline_kind.ts";
import type { PictureSize } from "./prompts/prompt_encoder.ts";
import { openPictureDecoder, type PictureDecoder } from "./picture_decoder.ts";
import type { LoadedPipeline } from "./loaded_pipeline.ts";
import { drawnSize, latentSize, usualSize } from "./sizes/drawn_size.ts";
import { fitting } from "./sizes/fitted_picture.ts";
import { openFullSampler } from "./sampling/full_sampler.ts";
import {
  type DrawnInputs,
  type DrawOptions,
  PictureSampler,
} from "./picture_sampler.ts";
import { checkSamplerOptions, type SamplerOptions } from "./sampler_options.ts";
import type { SamplingInputs } from "./sampling_loop.ts";
import {
  checkStrength,
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

/** @throws {RangeError} If an option of guidance is out of its range, or an option is given that the pipeline would not read. */
function checkOptions(
  { name, model, kind }: LoadedPipeline,
  options: SamplerOptions,
): void {
  const refuse = (key: keyof SamplerOptions, expected: string) => {
    throw new RangeError(
      `Cannot sample ${name}: ${key} is ${options[key]}, expected ${expected}`,
    );
  };
  checkSamplerOptions(options, name);
  const { trueCfgScale = 1, clipSkip = 0 } = options;
  if (trueCfgScale !== 1 && !isDistilled(model)) {
    refuse(
      "trueCfgScale",
      "none, as its network was not distilled from guided samples",
    );
  }
  if (clipSkip !== 0 && !kind.prompts?.clip) {
    refuse("clipSkip", "none, as no tower of CLIP reads its prompts");
  }
}

/** A pipeline with a number of steps and a guidance scale, to sample, prune or export. */
export class PipelineSampler {
  readonly pipeline: LoadedPipeline;
  /** The scheduler's arithmetic: one step for each call of the network. */
  readonly sampler: Sampler;
  /** The number of steps, as diffusers counts them. */
  readonly steps: number;
  /** The classifier-free guidance scale (above 1 the network runs twice); if distilled, the true guidance scale. */
  readonly guidanceScale: number;
  /** The option `guidanceScale`, or its default, which a distilled network may read. */
  readonly askedScale: number;
  /** See {@linkcode SamplerOptions}. */
  readonly guidanceRescale?: number;
  /** The picture or latents that sampling starts from; null if it starts from noise. */
  readonly start: Start | null;
  /** The size of the pictures that the caller asked for. */
  readonly asked: PictureSize;
  /** The size at which pictures are drawn; if it is not `asked`, they are fitted to that. */
  readonly size: PictureSize;
  /** Shape of one picture's latents, `[C, H, W]`. */
  readonly latents: readonly number[];
  readonly granularity: Granularity;
  readonly backup?: "output" | "residual";
  readonly #options: SamplerOptions;
  readonly #scheduler: SchedulerConfig;
  /** The number of steps that the start leaves out. */
  readonly #skipped: number;

  /** @internal Use {@linkcode Pipeline.sampler}. */
  constructor(pipeline: LoadedPipeline, options: SamplerOptions) {
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
    checkOptions(pipeline, options);
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
    checkFlow(pipeline, scheduler, options.kind);
    const whole = this.#samplerAfter(0);
    const isListed = options.timesteps ?? options.sigmas;
    this.steps = isListed ? whole.steps.length : options.steps ?? kind.steps;
    this.#skipped = this.#stepsBefore(whole);
    this.sampler = this.#begun(this.#skipped === 0 ? whole : undefined);
  }

  /** The sampler without the steps that the start leaves out, up to the option `until`. */
  #begun(sampler = this.#samplerAfter(this.#skipped)): Sampler {
    const { until } = this.#options;
    if (until === undefined) return sampler;
    const count = this.#stepsUntil(sampler, until);
    return { ...sampler, steps: sampler.steps.slice(0, count) };
  }

  /** The number of steps that the start leaves out. */
  #stepsBefore(whole: Sampler): number {
    const { start, steps } = this;
    if (!start) return 0;
    if ("latents" in start) return this.#stepsUntil(whole, start.from);
    if (this.#spacedWithin !== undefined) return 0;
    const { roundsUp } = this.pipeline.kind.start!;
    return skippedSteps(steps, { ...start, roundsUp });
  }

  /** The strength that limits the sampler's own spacing of timesteps; undefined if none does. */
  get #spacedWithin(): number | undefined {
    const { start, pipeline: { kind } } = this;
    const { kind: name, timesteps } = this.#options;
    const spaces = kind.start?.spaces && start && "image" in start &&
      !start.mask && !timesteps &&
      (name ?? samplerKindOf(this.#scheduler)) === "lcm";
    return spaces ? start.strength : undefined;
  }

  /** The number of steps that come before a part of the noise is gone. */
  #stepsUntil({ steps }: Sampler, part: number): number {
    const trained = this.#scheduler.integer("num_train_timesteps", 1) ?? 1000;
    const timesteps = steps.map(({ timestep }) => timestep);
    return stepsUntil(timesteps, { part, trained });
  }

  /** The sampler without its first `begin` steps. */
  #samplerAfter(begin: number): Sampler {
    const { kind: name, eta, originalInferenceSteps } = this.#options;
    const { kind, model } = this.pipeline;
    const [, height, width] = this.latents;
    return makeSampler(this.#scheduler, {
      kind: name,
      ...stepChoice(kind, this.#options, this.#scheduler),
      eta,
      originalInferenceSteps,
      strength: this.#spacedWithin,
      mostShift: kind.mostShift,
      tokens: tokensOf(model.config, { height, width }),
      begin,
    });
  }

  /** The number of network calls for one picture. */
  get calls(): number {
    return this.sampler.steps.length;
  }

  /** The number of the text tower's last layers that prompts skip. */
  get clipSkip(): number {
    return this.#options.clipSkip ?? 0;
  }

  /** Whether the network computes both halves of guidance. */
  get guided(): boolean {
    return isGuided(this.guidanceScale);
  }

  /**
   * This sampler with another number of steps.
   *
   * @param solver Another solver, with timesteps of its own or as many steps; this sampler's by default.
   * @throws As {@linkcode Pipeline.sampler}.
   */
  withSteps(steps: number, solver?: AnotherSolver): PipelineSampler {
    const { timesteps } = solver ?? {};
    return new PipelineSampler(this.pipeline, {
      ...this.#options,
      ...solver && {
        kind: solver.kind,
        scheduler: configFor(this.#scheduler, solver),
        eta: undefined,
        originalInferenceSteps: undefined,
      },
      timesteps,
      sigmas: undefined,
      steps: timesteps ? undefined : steps,
    });
  }

  /** The noise that the network was trained with; undefined for flow matching. @throws As `trainedNoise`. */
  get trainedNoise(): TrainedNoise | undefined {
    return trainedNoise(this.#scheduler);
  }

  /** Whether the network reads a mask. */
  get #readsMask(): boolean {
    const { model } = this.pipeline;
    return model.family === "unet" && model.config.inpaints;
  }

  /**
   * Opens the conditioner, which makes the network's inputs from subjects.
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
    return await openConditioner(pipeline, {
      guided,
      guidanceScale,
      size,
      options: this.#options,
    });
  }

  /**
   * The number of text tokens of a prompt, in a network that reads text.
   *
   * @throws {RangeError} If `maxSequenceLength` is no number of tokens, or prompts have one length only.
   */
  get tokens(): number | undefined {
    const { name, model, kind, tokens } = this.pipeline;
    const { maxSequenceLength: wanted } = this.#options;
    if (wanted === undefined) return tokens;
    const usual = kind.prompts?.t5?.(model);
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

  /** Opens the decoder of final latents, which fits pictures to a size, the caller's by default; null if latents are pixels. @throws As `loadComponent`. */
  async openDecoder(fitted = this.asked): Promise<PictureDecoder | null> {
    const autoencoder = await this.pipeline.autoencoder();
    if (!autoencoder) return null;
    const { pipeline: { sessions }, latents, size } = this;
    const { tiling } = this.#options;
    const options = { ...sessions, tiling };
    const decoder = await openPictureDecoder(autoencoder, latents, options);
    return size === fitted ? decoder : fitting(decoder, fitted);
  }

  /**
   * The network for a number of pictures at once.
   *
   * @param options.guided Whether its batch is twice that, for both halves of guidance; `this.guided` by default.
   * @throws {RangeError} If the network's family has no such units, backups or latents.
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
    const { pipeline, start, sampler, latents: shape } = this;
    const { name, sessions, pixelsPerLatent: pixels } = pipeline;
    if (!start) return noiseStart(shape, sampler);
    if ("latents" in start) return latentStart(start, sampler);
    const autoencoder = await pipeline.autoencoder();
    if (!autoencoder) {
      throw new TypeError(
        `Cannot start ${name} from a picture: it has no autoencoder, expected one`,
      );
    }
    return await pictureStart(start, {
      shape,
      size: { height: pixels * shape[1], width: pixels * shape[2] },
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
   * The inputs that B pictures are sampled from: their start, then the noise of
   * the steps that add some, drawn in this order.
   *
   * @param conditioning The conditioning that {@linkcode PipelineSampler.openConditioner}'s conditioner makes.
   * @param options.start The result of {@linkcode PipelineSampler.prepareStart}; noise by default.
   */
  inputs(
    conditioning: SamplingInputs["conditioning"],
    {
      images,
      random,
      start = noiseStart(this.latents, this.sampler),
      places = [...Array(images).keys()],
      scales,
    }: DrawnInputs,
  ): SamplingInputs {
    const shape = [images, ...this.latents];
    const { guidanceScale, guidanceRescale } = this;
    const isRead = isDistilled(this.pipeline.model);
    const over = isRead || this.guided ? undefined : scales?.find(isGuided);
    if (over !== undefined) {
      throw new RangeError(
        `Cannot sample ${this.pipeline.name}: found a scale of ${over} for a picture, expected at most 1 where the sampler's is ${guidanceScale}`,
      );
    }
    const { maskedLatents: masked, ...drawn } = start({ places, random });
    const both = masked && this.guided ? joined([masked, masked]) : masked;
    return {
      ...drawn,
      noise: drawStepNoise(this.sampler, { shape, random }),
      conditioning: both
        ? { ...conditioning, masked_latents: both }
        : conditioning,
      guidanceScale,
      guidanceScales: isRead ? undefined : scales,
      guidanceRescale,
    };
  }

  /** Opens the full sampler to draw often: its sessions stay open. Hold it with `await using`. */
  open(): PictureSampler {
    const { sessions } = this.pipeline;
    const open = (images: number) =>
      openFullSampler(this.graph({ images }), sessions);
    return new PictureSampler(this, open);
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
    return await sampler.sample(subjects, { ...options, once: true });
  }
}

/** A start with its strength. @throws {TypeError} If the pipeline's kind starts from noise alone. */
function startOf(start: StartOptions, { name, kind }: LoadedPipeline): Start {
  if (!kind.start) {
    throw new TypeError(
      `Cannot start ${name} from a picture: pipelines of its kind start from noise`,
    );
  }
  if ("latents" in start) return start;
  const usual = start.mask ? kind.start.mask : kind.start.image;
  const { strength = usual } = start;
  checkStrength(strength);
  return { ...start, strength };
}

/** The steps: the caller's, or the sigmas of the pipeline's kind, if its scheduler is of flow matching alone. */
function stepChoice(
  kind: PipelineKind,
  { steps = kind.steps, timesteps, sigmas }: SamplerOptions,
  scheduler: SchedulerConfig,
): StepChoice {
  if (timesteps || sigmas) return { timesteps, sigmas };
  const own = scheduler.boolean("use_flow_sigmas")
    ? undefined
    : kind.sigmas?.(steps);
  return own ? { sigmas: own } : { steps };
}

/** @throws {RangeError} If only one of network and sampler is of flow matching: pictures would be noise. */
function checkFlow(
  { name, model }: LoadedPipeline,
  scheduler: SchedulerConfig,
  kind?: SamplerKind,
): void {
  const isFlow = matchesFlow(model);
  if (isFlow === stepsAlongFlow(scheduler, kind)) return;
  const found = kind ?? samplerKindOf(scheduler);
  throw new RangeError(
    `Cannot sample ${name}: the sampler is ${found}, expected ${
      isFlow ? flowSamplers : "none of flow matching"
    } for a ${model.family}`,
  );
}

/** The number of tokens of a picture's latents, in a network on patches. */
function tokensOf(
  config: LoadedModel["config"],
  { height, width }: LatentSize,
): number | undefined {
  if (!("patchSize" in config)) return undefined;
  const { patchSize } = config;
  return Math.floor(height / patchSize) * Math.floor(width / patchSize);
}
