/** Samples the evaluation pairs, by the full model and by SubNets. */
import type {
  LatentSampler,
  PipelineSampler,
  SamplingInputs,
  Subject,
} from "@dip-go/core/pipeline";
import { TorchGenerator } from "@dip-go/core/random";
import { drawStepNoise, type StepNoise } from "@dip-go/core/samplers";
import { joinedArrays, stacked, type Tensor } from "@dip-go/core/tensor";
import { denseGates } from "@dip-go/supernet/gates";
import { openFusedSubNet } from "@dip-go/supernet/sampling";
import { openSolver } from "@dip-go/supernet/solver";
import type { Bench } from "./bench.ts";
import type { Experiment } from "../schema/experiment.ts";
import type { SampledPlan } from "@dip-go/pruner/methods";
import { adaptiveRule } from "@dip-go/pruner/rivals";

/** A class or prompt, and the noise that its image is made from. */
export interface EvaluationPair {
  readonly subject: Subject;
  /** The initial noise, `[C, H, W]`. */
  readonly noise: Tensor<"float32">;
  /** The noise that the full sampler adds at each step, `[C, H, W]`; fewer steps add the first of them. */
  readonly stepNoise: StepNoise;
}

/** The number of the evaluation's shards, a batch of pictures each. */
export function shardCount(
  { evaluation: { pairs, batch } }: Pick<Experiment, "evaluation">,
): number {
  return Math.ceil(pairs / batch);
}

/**
 * The pairs of every shard, drawn one after another: fewer pairs are the first of
 * more. With a seed for each batch, all batches have the first one's noises. The
 * last shard is whole too, so that a shard's pictures do not depend on the number
 * of evaluated pairs.
 */
export function evaluationPairs(bench: Bench): EvaluationPair[] {
  const { experiment, net } = bench;
  const { evaluation } = experiment;
  const length = shardCount(experiment) * evaluation.batch;
  const [, ...shape] = net.model.inputs[0].shape;
  const random = new TorchGenerator(evaluation.seed);
  const { sampler } = bench.full;
  const perBatch = evaluation.seedPer === "batch";
  let source = random;
  return Array.from({ length }, (_, i) => {
    const subject = bench.subject("evaluation", i, random);
    if (perBatch && i % evaluation.batch === 0) {
      source = new TorchGenerator(evaluation.seed);
    }
    return {
      subject,
      noise: source.randn(shape),
      stepNoise: drawStepNoise(sampler, { shape, random: source }),
    };
  });
}

/** A plan ready to sample batches of one size. */
export interface BatchSampler extends AsyncDisposable {
  /** The sampler's inputs for B pairs, with their texts encoded. */
  inputsOf(batch: readonly EvaluationPair[]): Promise<SamplingInputs>;
  /** Samples the final latents, `[B, C, H, W]`. */
  sample(inputs: SamplingInputs): Promise<Tensor<"float32">>;
}

/** Opens the sampler of a plan for batches of `images`; an adaptive cache runs in the bench's sessions. */
async function openPlan(
  bench: Bench,
  { precise = bench.precise, ...fitted }: SampledPlan,
  { images, full }: { images: number; full: PipelineSampler },
): Promise<LatentSampler> {
  const { calls } = full;
  if (fitted.kind === "gates" && fitted.plan.solver) {
    return openSolver(full, fitted.plan.solver, { images, ...precise });
  }
  const runner = bench.runner({ images, sampler: full }, precise);
  if (fitted.kind !== "adaptive") {
    return await openFusedSubNet(
      runner,
      fitted.kind === "gates"
        ? fitted.plan
        : { gates: denseGates(calls, bench.net.units.length) },
    );
  }
  return {
    async sample(request) {
      const rule = adaptiveRule(runner.net, fitted);
      return (await runner.sampleByRule(request, rule)).latents;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Opens a plan for batches of `images`. */
export async function openBatchSampler(
  bench: Bench,
  fitted: SampledPlan,
  images: number,
): Promise<BatchSampler> {
  const full = bench.samplerOf(fitted);
  const { sampler, guidanceScale } = full;
  const subNet = await openPlan(bench, fitted, { images, full });
  return {
    async inputsOf(batch) {
      const subjects = batch.map(({ subject }) => subject);
      return {
        sampler,
        guidanceScale,
        latents: stacked(batch.map(({ noise }) => noise)),
        noise: sampler.steps.map(({ noise }, i) =>
          noise === 0
            ? undefined
            : joinedArrays(batch.map((p) => p.stepNoise[i]!))
        ),
        conditioning: await bench.conditioning(subjects),
      };
    },
    sample: (inputs) => subNet.sample(inputs),
    [Symbol.asyncDispose]: () => subNet[Symbol.asyncDispose](),
  };
}

/** Samples shards of one plan after another; the last plan's sessions stay open. */
export class ShardSampler implements AsyncDisposable {
  #drawn: readonly EvaluationPair[] | undefined;
  #open: { readonly row: string; readonly sampler: BatchSampler } | undefined;

  constructor(private readonly bench: Bench) {}

  /** {@linkcode evaluationPairs}, drawn when first asked for. */
  get pairs(): readonly EvaluationPair[] {
    return this.#drawn ??= evaluationPairs(this.bench);
  }

  /**
   * Samples the final latents of a row's shard.
   *
   * @throws {RangeError} If a value is not finite.
   */
  async sample(
    row: string,
    fitted: SampledPlan,
    shard: number,
  ): Promise<Tensor<"float32">> {
    const { bench } = this;
    const { model, evaluation: { batch } } = bench.experiment;
    const pairs = this.pairs.slice(shard * batch, (shard + 1) * batch);
    const sampler = await this.#samplerOf(row, fitted);
    const latents = await sampler.sample(await sampler.inputsOf(pairs));
    const odd = latents.data.findIndex((value) => !Number.isFinite(value));
    if (odd === -1) return latents;
    throw new RangeError(
      `Cannot evaluate ${model}: element ${odd} of shard ${shard} of ${row} is ${
        latents.data[odd]
      }, expected a finite number`,
    );
  }

  async #samplerOf(row: string, fitted: SampledPlan): Promise<BatchSampler> {
    if (this.#open?.row === row) return this.#open.sampler;
    await this[Symbol.asyncDispose]();
    const { batch } = this.bench.experiment.evaluation;
    const sampler = await openBatchSampler(this.bench, fitted, batch);
    this.#open = { row, sampler };
    return sampler;
  }

  /** Closes the sessions that are open. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open?.sampler[Symbol.asyncDispose]();
    this.#open = undefined;
  }
}
