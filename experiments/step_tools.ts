/** What an experiment's steps are made with, and the parts of an experiment that most of them read. */
import { type Bench, openBench } from "./bench.ts";
import { ShardSampler } from "./evaluate.ts";
import type { Experiment } from "./experiment.ts";
import { Meters } from "./meters.ts";
import type { ProgressOutput } from "./progress.ts";
import type { Provenance } from "./provenance.ts";
import type { RunIdentity } from "./run_folder.ts";
import { SampledSets } from "./sampled_sets.ts";
import { StepStore } from "./step_store.ts";

/** What steps are made with. */
export interface StepTools {
  readonly bench: Bench;
  readonly sampler: ShardSampler;
  readonly store: StepStore;
  readonly sets: SampledSets;
  readonly meters: Meters;
  readonly identity: RunIdentity;
  readonly provenance: Provenance;
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
  { log }: ProgressOutput,
): Promise<StepTools & AsyncDisposable> {
  const { experiment, device } = identity;
  const bench = await openBench(experiment, { device, threads });
  const sampler = new ShardSampler(bench);
  const store = new StepStore(root, { log });
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
    async [Symbol.asyncDispose]() {
      await meters[Symbol.asyncDispose]();
      await sampler[Symbol.asyncDispose]();
      await bench[Symbol.asyncDispose]();
    },
  };
}

/** Fields that only people or some kinds of step read; those say so themselves. Files are known by their hashes. */
const ownFields: readonly (keyof Experiment)[] = [
  "name",
  "description",
  "model",
  "prompts",
  "seed",
  "search",
  "sparsity",
  "methods",
  "mainMethod",
  "evaluation",
  "metrics",
  "latency",
];

/** What everything that runs the model reads: all of the experiment but `ownFields`, so that a field to come is not forgotten. */
export function modelReads(
  { experiment, device, inputs }: RunIdentity,
): Record<string, unknown> {
  const fields = Object.entries(experiment).filter(([name]) =>
    !ownFields.includes(name as keyof Experiment)
  );
  return { device, model: inputs.model, ...Object.fromEntries(fields) };
}
