/** The bench of a run: the experiment's model at every batch size and number of steps that the run needs. */
import { loadPipeline, Pipeline, type PipelineSampler } from "@dip-go/core";
import { type Network, noWeights } from "@dip-go/core/models";
import {
  type Conditioner,
  type PictureDecoder,
  type PromptLists,
  readPrompts,
  type SamplingInputs,
  type Subject,
} from "@dip-go/core/pipeline";
import { TorchGenerator } from "@dip-go/core/random";
import type { Device, Precision } from "@dip-go/core/runtime";
import { addsNoise, type SchedulerConfig } from "@dip-go/core/samplers";
import { float32, type Tensor } from "@dip-go/core/tensor";
import {
  type BlockCosts,
  costBudget,
  denseCost,
  denseMacs,
  type SuperNet,
  superNetOf,
} from "@dip-go/supernet/gates";
import { SubNetRunner } from "@dip-go/supernet/sampling";
import { planCost, planMacs } from "@dip-go/supernet/solver";
import { sparsityWithin } from "../measure/piece_times.ts";
import type { Experiment } from "../schema/experiment.ts";
import { referenceSteps } from "../schema/metric_records.ts";
import { experimentSampler } from "../schema/experiment_sampler.ts";
import { msOf, type Target } from "./target.ts";
import {
  type PlanPrecision,
  type SampledPlan,
  SamplerSearch,
  subjectAt,
} from "@dip-go/pruner/methods";

/** The number of images that are sampled at once, and their sampler. */
export interface SampleSize {
  readonly images: number;
  /** The sampler; the experiment's own by default. */
  readonly sampler?: PipelineSampler;
}

/** The device of a run, its precision, threads and costs. */
export interface BenchOptions {
  readonly device: Device;
  /** The network's precision in sampling and timing, float32 by default; all else is always in float32. */
  readonly precision?: Precision;
  /** CPU threads; all cores by default. */
  readonly threads?: number;
  /** The costs of blocks in nanoseconds of one image, which budgets then count; MACs by default. */
  readonly costs?: BlockCosts;
}

const float32Plan: PlanPrecision = { precision: "float32" };

/** The loaded parts that a run samples with. */
interface BenchParts {
  /** The pipeline in float32. */
  readonly pipeline: Pipeline;
  readonly conditioner: Conditioner;
  /** The prompts of the pictures, if the model reads text. */
  readonly prompts?: PromptLists;
}

/** A run's model: sessions are opened when first asked for, and kept. Hold it with `await using`. */
export class Bench implements AsyncDisposable {
  /** The experiment's own sampler. */
  readonly full: PipelineSampler;
  /** The MACs of one image by the full model. */
  readonly denseMacs: number;
  /** The cost of one image by the full model, in the unit of budgets. */
  readonly denseCost: number;
  /** The units of one image's SuperNet, for counting. */
  readonly net: SuperNet;
  /** The costs of blocks in nanoseconds of one image; absent if budgets are of MACs. */
  readonly costs?: BlockCosts;
  /** The precision of plans that have none of their own. */
  readonly precise: PlanPrecision;
  readonly #superNets = new Map<string, SuperNet>();
  readonly #runners = new Map<string, SubNetRunner>();
  #search: SamplerSearch | undefined;
  #decoder: Promise<PictureDecoder | null> | undefined;

  /** @internal Use {@linkcode openBench}. */
  constructor(
    readonly experiment: Experiment,
    private readonly parts: BenchParts,
    { costs, precision = "float32" }: Pick<BenchOptions, "costs" | "precision">,
  ) {
    this.costs = costs;
    this.precise = { precision };
    this.full = experimentSampler(parts.pipeline, experiment);
    this.net = this.superNet({ images: 1 });
    this.denseMacs = denseMacs(this.net);
    this.denseCost = denseCost(this.net);
  }

  /** The SuperNet for a number of images and model calls. */
  superNet({ images, sampler = this.full }: SampleSize): SuperNet {
    const { costs } = this;
    return this.#superNets.getOrInsertComputed(
      `${images},${sampler.calls}`,
      () => superNetOf(sampler, { images, costs }),
    );
  }

  /** The SuperNet of a search's batch. */
  get searchedNet(): SuperNet {
    return this.superNet({ images: this.experiment.search.batch });
  }

  /** The sampler of a plan; the experiment's own if the plan is not of fewer steps. */
  samplerOf(fitted: SampledPlan): PipelineSampler {
    return fitted.kind === "steps"
      ? this.full.withSteps(fitted.steps, fitted.solver)
      : this.full;
  }

  /** The sessions of the SuperNet of that size, in the run's precision by default. */
  runner(size: SampleSize, precise = this.precise): SubNetRunner {
    const { precision, int8Weights } = precise;
    const { images, sampler = this.full } = size;
    const key = [images, sampler.calls, precision, int8Weights].join();
    return this.#runners.getOrInsertComputed(key, () => {
      const sessions = { ...this.parts.pipeline.sessions, ...precise };
      return new SubNetRunner(this.superNet(size), sessions);
    });
  }

  /** The search that methods work with, in float32. */
  get search(): SamplerSearch {
    const { search, seed } = this.experiment;
    const { conditioner, prompts } = this.parts;
    return this.#search ??= new SamplerSearch(this.full, {
      search,
      seed,
      subjects: prompts?.search,
      runner: this.runner({ images: search.batch }, float32Plan),
      conditioner,
    });
  }

  /** The i-th picture's subject: a class drawn at random, or the i-th prompt of the list, repeated. */
  subject(
    use: keyof PromptLists,
    i: number,
    random: TorchGenerator,
  ): Subject {
    const { pipeline: { model }, prompts } = this.parts;
    return subjectAt(i, { model, list: prompts?.[use], random });
  }

  /** The subjects of a search's first pictures; classes are drawn from the seed. */
  searchSubjects(count: number, seed: number): Subject[] {
    const random = new TorchGenerator(seed);
    return Array.from(
      { length: count },
      (_, i) => this.subject("search", i, random),
    );
  }

  /** The model's inputs of B samples besides latents and timestep. */
  conditioning(
    subjects: readonly Subject[],
  ): Promise<SamplingInputs["conditioning"]> {
    return this.parts.conditioner.conditioning(subjects);
  }

  /** Whether the sampler's final latents are pictures already. */
  get drawsPixels(): boolean {
    return this.parts.pipeline.drawsPixels;
  }

  /** The pictures `[B, 3, H, W]` of final latents; in a latent space decoded, and clipped to [-1, 1]. */
  async pictures(latents: Tensor<"float32">): Promise<Tensor<"float32">> {
    if (this.drawsPixels) return latents;
    this.#decoder ??= this.full.openDecoder();
    const decoded = await (await this.#decoder)!.decode(latents);
    const clipped = decoded.data.map((x) => Math.min(1, Math.max(-1, x)));
    return float32(decoded.shape, clipped);
  }

  /** MACs (total convention) of one image. */
  macs(fitted: SampledPlan): number {
    if (fitted.kind === "adaptive") return fitted.macs;
    if (fitted.kind === "gates") return planMacs(this.net, fitted.plan);
    return this.denseMacs / this.net.steps * this.samplerOf(fitted).calls;
  }

  /** The cost of one image in the unit of budgets: MACs, or nanoseconds if blocks were timed. */
  cost(fitted: SampledPlan): number {
    if (fitted.kind === "adaptive") return fitted.cost;
    if (fitted.kind === "gates") return planCost(this.net, fitted.plan);
    return this.denseCost / this.net.steps * this.samplerOf(fitted).calls;
  }

  /**
   * The fraction of the full sampler's cost that a target leaves out; 0 if it is of time, and no time was measured.
   *
   * @throws {RangeError} As {@linkcode sparsityWithin}.
   */
  sparsityOf(target: Target): number {
    if (typeof target === "number") return target;
    if (!this.costs) return 0;
    const { denseCost, net, experiment: { name } } = this;
    const full = denseCost / 1e6;
    return sparsityWithin(msOf(target)!, { full, calls: net.steps, name });
  }

  /** The most that one image may cost under a target. */
  budget(target: Target): number {
    return costBudget(this.denseCost, this.sparsityOf(target));
  }

  /** Releases every session. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#search?.[Symbol.asyncDispose]();
    for (const runner of this.#runners.values()) {
      await runner[Symbol.asyncDispose]();
    }
    const decoder = await this.#decoder?.catch(() => undefined);
    await decoder?.[Symbol.asyncDispose]();
    await this.parts.conditioner[Symbol.asyncDispose]();
  }
}

/**
 * Loads an experiment's model and prompts.
 *
 * @throws {TypeError} If the experiment lacks prompts that the model reads, or has some that it does not read.
 * @throws {RangeError} If the model has no scheduler, or makes pixels although a metric compares latents.
 * @throws As `loadPipeline`, `openConditioner` and `readPrompts`.
 */
export async function openBench(
  experiment: Experiment,
  { device, threads, ...options }: BenchOptions,
): Promise<Bench> {
  const pipeline = await loadPipeline(experiment.model, { device, threads });
  const prompts = await promptsOf(experiment, pipeline);
  if (pipeline.drawsPixels) refuseLatents(experiment);
  else await pipeline.autoencoder(); // latents that cannot be decoded are refused before any work
  const full = experimentSampler(pipeline, experiment);
  refuseOtherNoise(experiment, full);
  const conditioner = await full.openConditioner();
  return new Bench(experiment, { pipeline, conditioner, prompts }, options);
}

/** @throws {RangeError} If a metric compares latents. */
function refuseLatents({ name, model, metrics }: Experiment): void {
  const i = metrics.findIndex(({ kind }) => kind === "latent-mse");
  if (i === -1) return;
  throw new RangeError(
    `Cannot run experiment ${name}: metrics[${i}].kind is latent-mse, and ${model} makes pixels, not latents; expected psnr, which has their squared error`,
  );
}

/** @throws {RangeError} If a metric compares with another number of steps, whose noise would be other too. */
function refuseOtherNoise(
  { name, metrics }: Experiment,
  { sampler }: PipelineSampler,
): void {
  const i = metrics.findIndex((each) => referenceSteps(each) !== undefined);
  if (i === -1 || !addsNoise(sampler)) return;
  throw new RangeError(
    `Cannot run experiment ${name}: metrics[${i}].steps is ${
      referenceSteps(metrics[i])
    }, expected none, as ${sampler.name} adds noise at its steps`,
  );
}

async function promptsOf(
  { name, model: folder, prompts }: Experiment,
  { drawsClasses }: Pipeline,
): Promise<PromptLists | undefined> {
  if (drawsClasses) {
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

/** A bench of a network without weights, which counts, and fits plans that need no sampling. */
export function countingBench(
  experiment: Experiment,
  { network, scheduler }: { network: Network; scheduler: SchedulerConfig },
): Bench {
  const pipeline = new Pipeline({
    name: experiment.model,
    folder: experiment.model,
    model: { ...network, weights: noWeights, schedulerConfig: null },
    scheduler,
    sessions: {},
  });
  const conditioner: Conditioner = {
    conditioning() {
      throw new TypeError(
        `Cannot sample ${experiment.model}: it was opened without weights`,
      );
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return new Bench(experiment, { pipeline, conditioner }, {});
}
