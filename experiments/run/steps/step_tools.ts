/** What an experiment's steps are made with. */
import { type Bench, openBench } from "../bench.ts";
import { type BlockTimes, neededBlockTimes } from "./block_times.ts";
import { ShardSampler } from "../evaluate.ts";
import { Meters } from "../../measure/meters.ts";
import type { Progress } from "../../engine/progress.ts";
import type { Provenance } from "../../results/provenance.ts";
import type { RunIdentity } from "../../results/run_folder.ts";
import { SampledSets } from "./shards.ts";
import { StepStore } from "../../engine/step_store.ts";

/** What steps are made with. */
export interface StepTools {
  readonly bench: Bench;
  readonly sampler: ShardSampler;
  readonly store: StepStore;
  readonly sets: SampledSets;
  readonly meters: Meters;
  readonly identity: RunIdentity;
  readonly provenance: Provenance;
  /** What budgets of time are made of; none where they are of MACs. */
  readonly blockTimes?: BlockTimes;
}

/** Opens what steps are made with; dispose of it. */
export async function openStepTools(
  { root, identity, provenance, threads }: {
    /** Folder of all experiments' runs. */
    readonly root: string;
    readonly identity: RunIdentity;
    readonly provenance: Provenance;
    readonly threads?: number;
  },
  progress: Progress,
): Promise<StepTools & AsyncDisposable> {
  const { experiment, device, precision } = identity;
  const store = new StepStore(root, progress);
  const timed = { identity, provenance };
  const blockTimes = await neededBlockTimes(timed, { store, progress });
  const costs = blockTimes?.nanoseconds;
  const bench = await openBench(experiment, {
    device,
    precision,
    threads,
    costs,
  });
  const sampler = new ShardSampler(bench);
  const sets = new SampledSets(store, experiment.evaluation.pairs);
  const meters = new Meters(experiment.metrics, { device });
  return {
    bench,
    sampler,
    store,
    sets,
    meters,
    identity,
    provenance,
    blockTimes,
    async [Symbol.asyncDispose]() {
      await meters[Symbol.asyncDispose]();
      await sampler[Symbol.asyncDispose]();
      await bench[Symbol.asyncDispose]();
    },
  };
}
