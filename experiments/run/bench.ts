/** What a run works with: the experiment's model at every batch size and number of steps that it needs. */
import {
  type BlockGraph,
  blockGraphOf,
  type LoadedModel,
  loadModel,
  type Network,
  noWeights,
} from "@dip-go/core/models";
import {
  type Autoencoder,
  type Conditioner,
  emitPictures,
  loadAutoencoder,
  openConditioner,
  openPictureDecoder,
  ownScheduler,
  type PictureDecoder,
  type PromptLists,
  readPrompts,
  type SamplingInputs,
  type Subject,
} from "@dip-go/core/pipeline";
import type { TorchGenerator } from "@dip-go/core/random";
import type { Device, Precision, SessionOptions } from "@dip-go/core/runtime";
import {
  makeSampler,
  type Sampler,
  type SchedulerConfig,
} from "@dip-go/core/samplers";
import { float32, type Tensor } from "@dip-go/core/tensor";
import {
  costBudget,
  denseCost,
  denseMacs,
  type Gates,
  subNetCost,
  subNetMacs,
  type SuperNet,
  superNet,
} from "@dip-go/supernet/gates";
import {
  openFusedSubNet,
  type SubNet,
  SubNetRunner,
} from "@dip-go/supernet/sampling";
import { openTrainingForm, type TrainingForm } from "@dip-go/supernet/training";
import {
  type CalibrationBatch,
  drawCalibration,
  subjectAt,
} from "@dip-go/pruner/calibration";
import type { Experiment } from "../schema/experiment.ts";
import type { MethodContext, SampledPlan } from "@dip-go/pruner/methods";

/** How much is sampled at once, and in how many steps. */
export interface SampleSize {
  readonly images: number;
  /** As the sampler counts them; it may call the model more often. */
  readonly steps: number;
}

/** What a run computes on. */
export interface BenchOptions {
  readonly device: Device;
  /** Of the network as it samples and is timed, float32 by default; searches, text tower and decoder are in float32. */
  readonly precision?: Precision;
  /** CPU threads; all cores by default. */
  readonly threads?: number;
  /** Nanoseconds of each block for one image, which budgets are then of; MACs by default. */
  readonly costs?: readonly number[];
}

/** What a run samples with, loaded. */
interface BenchParts {
  readonly model: LoadedModel;
  readonly scheduler: SchedulerConfig;
  readonly conditioner: Conditioner;
  /** In a latent space, what makes pictures of latents. */
  readonly autoencoder?: Autoencoder;
  /** In a model that reads text, what the pictures are of. */
  readonly prompts?: PromptLists;
}

/** Hold it with `await using`: sessions are opened when first asked for, and kept. */
export class Bench implements AsyncDisposable {
  /** One image's dense trajectory. */
  readonly denseMacs: number;
  /** The units of one image's SuperNet, for counting. */
  readonly net: SuperNet;
  readonly #runners = new Map<string, SubNetRunner>();
  #form: Promise<TrainingForm> | undefined;
  #calibration: Promise<readonly CalibrationBatch[]> | undefined;
  #decoder: Promise<PictureDecoder> | undefined;
  /** Of each block for one image, where budgets are not of MACs. */
  readonly costs?: readonly number[];
  /** Of what computes in float32. */
  private readonly sessions: SessionOptions;
  readonly #precision: Precision;

  /** @internal Use {@linkcode openBench}. */
  constructor(
    readonly experiment: Experiment,
    private readonly parts: BenchParts,
    { costs, precision = "float32", ...sessions }: BenchOptions,
  ) {
    this.costs = costs;
    this.sessions = sessions;
    this.#precision = precision;
    const { steps } = experiment.sampler;
    this.net = this.superNet({ images: 1, steps });
    this.denseMacs = this.macs({ kind: "steps", steps });
  }

  /** The model at so many samples a call; two make one guided image. */
  graph(batch: number): BlockGraph {
    const { model, conditioner: { tokens } } = this.parts;
    const options = { ...this.experiment.superNet, batch, tokens };
    return blockGraphOf(model, options);
  }

  /** The SuperNet for so many guided images. */
  superNet({ images, steps }: SampleSize): SuperNet {
    return superNet(this.graph(2 * images), {
      steps: this.calls(steps),
      costs: this.costs?.map((cost) => images * cost),
    });
  }

  /** Model calls of the experiment's sampler at a number of steps. */
  calls(steps: number): number {
    return this.sampler(steps).steps.length;
  }

  /** The experiment's sampler at a number of steps. */
  sampler(steps: number): Sampler {
    const { kind } = this.experiment.sampler;
    return makeSampler(this.parts.scheduler, {
      ...kind === "own" ? {} : { kind },
      steps,
    });
  }

  /** Sampler and guidance at a number of steps. */
  setup(steps: number): Pick<SamplingInputs, "sampler" | "guidanceScale"> {
    return {
      sampler: this.sampler(steps),
      guidanceScale: this.experiment.sampler.guidanceScale,
    };
  }

  /** Sessions of the SuperNet for so many images, in float32: what searches run. */
  runner(size: SampleSize): SubNetRunner {
    return this.#runner(size, this.sessions);
  }

  /** The same in the run's precision: what is sampled and timed. */
  samplingRunner(size: SampleSize): SubNetRunner {
    const precision = this.#precision;
    return this.#runner(size, { ...this.sessions, precision });
  }

  #runner(size: SampleSize, sessions: SessionOptions): SubNetRunner {
    const { precision = "float32" } = sessions;
    const key = `${size.images},${size.steps},${precision}`;
    const known = this.#runners.get(key);
    if (known) return known;
    const runner = new SubNetRunner(this.superNet(size), sessions);
    this.#runners.set(key, runner);
    return runner;
  }

  /** One SubNet for so many images, in the run's precision; the caller closes it. */
  subNet(size: SampleSize, gates: Gates): Promise<SubNet> {
    return openFusedSubNet(this.samplingRunner(size), gates);
  }

  /** The training form at the search's batch. */
  form(): Promise<TrainingForm> {
    const { search: { batch: images }, sampler: { steps } } = this.experiment;
    return this.#form ??= openTrainingForm(
      this.superNet({ images, steps }),
      this.sessions,
    );
  }

  /** The batches that searches work on. */
  calibration(): Promise<readonly CalibrationBatch[]> {
    const { search, sampler: { steps }, seed } = this.experiment;
    return this.#calibration ??= drawCalibration(
      this.runner({ images: search.batch, steps }),
      {
        ...this.setup(steps),
        count: search.calibration,
        seed,
        subject: (i, random) => this.subject("search", i, random),
        conditioning: (subjects) => this.conditioning(subjects),
      },
    );
  }

  /** What the i-th picture is of: a class drawn at random, or the i-th prompt of the experiment's list, from the start again at its end. */
  subject(
    use: keyof PromptLists,
    i: number,
    random: TorchGenerator,
  ): Subject {
    const { model, prompts } = this.parts;
    return subjectAt(i, { model, list: prompts?.[use], random });
  }

  /** The model's inputs of B guided samples besides latents and timestep. */
  conditioning(
    subjects: readonly Subject[],
  ): Promise<SamplingInputs["conditioning"]> {
    return this.parts.conditioner.conditioning(subjects);
  }

  /** In a latent space, what adds the autoencoder's decoder to a graph. */
  get decode(): MethodContext["decode"] {
    const { autoencoder } = this.parts;
    return autoencoder &&
      ((g, latents) => emitPictures(g, latents, autoencoder));
  }

  /** Pictures `[B, 3, H, W]` of what a sampler leaves: decoded, and then within [-1, 1], in a latent space. */
  async pictures(latents: Tensor<"float32">): Promise<Tensor<"float32">> {
    const { autoencoder } = this.parts;
    if (!autoencoder) return latents;
    const [, ...shape] = latents.shape;
    this.#decoder ??= openPictureDecoder(autoencoder, shape, this.sessions);
    const decoded = await (await this.#decoder).decode(latents);
    const clipped = decoded.data.map((x) => Math.min(1, Math.max(-1, x)));
    return float32(decoded.shape, clipped);
  }

  /** MACs (total convention) of one image. */
  macs(fitted: SampledPlan): number {
    if (fitted.kind === "gates") return subNetMacs(this.net, fitted.plan.gates);
    return denseMacs(this.net) / this.net.steps * this.calls(fitted.steps);
  }

  /** What one image takes of a budget: MACs, or nanoseconds where blocks were timed. */
  cost(fitted: SampledPlan): number {
    if (fitted.kind === "gates") return subNetCost(this.net, fitted.plan.gates);
    return denseCost(this.net) / this.net.steps * this.calls(fitted.steps);
  }

  /** What one image takes with the full model. */
  get denseCost(): number {
    const { steps } = this.experiment.sampler;
    return this.cost({ kind: "steps", steps });
  }

  /** The most that one image may take. */
  budget(sparsity: number): number {
    return costBudget(this.denseCost, sparsity);
  }

  /** Releases every session. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const runner of this.#runners.values()) await runner.close();
    const form = await this.#form?.catch(() => undefined);
    await form?.close();
    const decoder = await this.#decoder?.catch(() => undefined);
    await decoder?.[Symbol.asyncDispose]();
    await this.parts.conditioner[Symbol.asyncDispose]();
  }
}

/**
 * Loads an experiment's model and prompts.
 *
 * @throws {TypeError} If the experiment lacks prompts that the model reads, or has some that it does not read.
 * @throws {RangeError} If the model has no scheduler, or makes pixels where a metric compares latents.
 * @throws As `loadModel`, `openConditioner`, `loadAutoencoder` and `readPrompts`.
 */
export async function openBench(
  experiment: Experiment,
  options: BenchOptions,
): Promise<Bench> {
  const { name, model: folder } = experiment;
  const task = `run experiment ${name}`;
  const model = await loadModel(folder);
  const prompts = await promptsOf(experiment, model);
  const scheduler = await ownScheduler(model, { task, name: folder });
  const autoencoder = model.config.inChannels === 3
    ? undefined
    : await loadAutoencoder(folder);
  if (!autoencoder) refuseLatents(experiment);
  const { device, threads } = options;
  const conditioner = await openConditioner(model, folder, { device, threads });
  const parts = { model, scheduler, conditioner, autoencoder, prompts };
  return new Bench(experiment, parts, options);
}

/** @throws {RangeError} If a metric compares latents. */
function refuseLatents({ name, model, metrics }: Experiment): void {
  const i = metrics.findIndex(({ kind }) => kind === "latent-mse");
  if (i === -1) return;
  throw new RangeError(
    `Cannot run experiment ${name}: metrics[${i}].kind is latent-mse, and ${model} makes pixels, not latents; expected psnr, which has their squared error`,
  );
}

async function promptsOf(
  { name, model: folder, prompts }: Experiment,
  { family }: LoadedModel,
): Promise<PromptLists | undefined> {
  if (family === "dit") {
    if (!prompts) return undefined;
    throw new TypeError(
      `Cannot run experiment ${name}: it has prompts, and ${folder} is a DiT, which draws classes`,
    );
  }
  if (!prompts) {
    throw new TypeError(
      `Cannot run experiment ${name}: ${folder} draws what a text says; expected prompts.search and prompts.evaluation`,
    );
  }
  return {
    search: await readPrompts(prompts.search),
    evaluation: await readPrompts(prompts.evaluation),
  };
}

/** A bench of a network without weights: it fits and counts what needs no sampling, and samples nothing. */
export function countingBench(
  experiment: Experiment,
  { network, scheduler }: { network: Network; scheduler: SchedulerConfig },
): Bench {
  const model = { ...network, weights: noWeights, schedulerConfig: null };
  const conditioner: Conditioner = {
    conditioning() {
      throw new TypeError(
        `Cannot sample ${experiment.model}: it was opened without weights`,
      );
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const parts = { model, scheduler, conditioner };
  return new Bench(experiment, parts, { device: "cpu" });
}
