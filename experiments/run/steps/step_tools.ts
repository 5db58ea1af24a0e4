/** The tools that an experiment's steps are made with, opened when first asked for. */
import { methodOf } from "@dip-go/pruner/methods";
import { type Bench, openBench } from "../bench.ts";
import { ShardSampler } from "../evaluate.ts";
import { Meters } from "../../measure/meters.ts";
import type { Provenance } from "../../results/provenance.ts";
import type { RunIdentity, RunPart } from "../../results/run_folder.ts";
import type { Step } from "../../engine/step.ts";
import { StepStore } from "../../engine/store/step_store.ts";
import {
  openSectionBench,
  type PartSizes,
} from "../../dry_run/section_bench.ts";
import type { PieceTimes } from "../../measure/piece_times.ts";
import { blockTimesStep } from "./block_times.ts";
import {
  calibrationSteps,
  type KeptBatch,
} from "./search/calibration_steps.ts";
import { SampledSets } from "./shards.ts";
import { type StepMemory, stepMemory } from "./step_memory.ts";

/** The options of making an experiment's steps. */
export interface StepToolOptions {
  /** Takes lines about damaged files. */
  readonly log: (line: string) => void;
  /** CPU threads; all cores by default. */
  readonly threads?: number;
}

/** The store, benches, samplers and meters of a run. Hold it with `await using`. */
export class StepTools implements AsyncDisposable {
  readonly store: StepStore;
  readonly sets: SampledSets;
  readonly meters: Meters;
  readonly identity: RunIdentity;
  readonly provenance: Provenance;
  readonly busyOk: boolean;
  /** The step whose times budgets of time read; absent if budgets are of MACs. */
  readonly blockTimes?: Step<PieceTimes>;
  readonly memory: StepMemory;
  /** The steps of the batches that every search works on. */
  readonly calibration: readonly Step<KeptBatch>[];
  readonly #opened = new AsyncDisposableStack();
  #bench: Promise<Bench> | undefined;
  #sampler: Promise<ShardSampler> | undefined;

  /** @internal Use {@linkcode openStepTools}. */
  constructor(
    readonly part: RunPart,
    /** The bench that counts, in MACs. */
    readonly counted: Bench,
    readonly sizes: PartSizes,
    private readonly options: StepToolOptions,
  ) {
    const { identity, provenance, root, busyOk = false } = part;
    const { experiment, device } = identity;
    this.identity = identity;
    this.provenance = provenance;
    this.busyOk = busyOk;
    this.store = new StepStore(root, options);
    const { pairs } = experiment.evaluation;
    this.sets = new SampledSets(this.store, pairs, () => this.bench());
    this.memory = stepMemory(counted, sizes);
    this.blockTimes = experiment.cost === "macs"
      ? undefined
      : blockTimesStep(this);
    this.calibration = calibrationSteps(this);
    this.#opened.use(counted);
    this.meters = this.#opened.use(new Meters(experiment.metrics, { device }));
  }

  /** The bench that runs the model; its costs are the measured times if budgets are of time. */
  bench(): Promise<Bench> {
    return this.#bench ??= this.#openBench();
  }

  async #openBench(): Promise<Bench> {
    const { identity, blockTimes, counted } = this;
    if (!blockTimes) return counted;
    const costs = await this.store.need(blockTimes);
    const { threads } = this.options;
    const { experiment } = identity;
    const bench = await openBench(experiment, { ...identity, threads, costs });
    return this.#opened.use(bench);
  }

  /** The sampler of shards, opened once. */
  sampler(): Promise<ShardSampler> {
    return this.#sampler ??= this.bench().then((bench) =>
      this.#opened.use(new ShardSampler(bench))
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#opened.disposeAsync();
  }
}

/**
 * Opens the tools of a run; the caller disposes of them.
 *
 * @throws {RangeError} If a method has no plan for the sampler at any budget.
 */
export async function openStepTools(
  part: RunPart,
  options: StepToolOptions,
): Promise<StepTools> {
  const { experiment, ...how } = part.identity;
  const { threads } = options;
  const { bench, sizes } = await openSectionBench(experiment, {
    ...how,
    threads,
  });
  refuseMethods(bench);
  return new StepTools(part, bench, sizes, options);
}

function refuseMethods({ experiment, net, full: { sampler } }: Bench): void {
  for (const [i, chosen] of experiment.methods.entries()) {
    const method = methodOf(chosen);
    const why = method.refusal?.({ net, sampler });
    if (!why) continue;
    throw new RangeError(
      `Cannot run experiment ${experiment.name}: methods[${i}] is "${method.name}", expected another, as ${why}`,
    );
  }
}
