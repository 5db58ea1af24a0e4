/** What an experiment's steps are made with, and the parts of an experiment that most of them read. */
import type { Bench } from "./bench.ts";
import type { ShardSampler } from "./evaluate.ts";
import type { Experiment } from "./experiment.ts";
import type { Provenance } from "./provenance.ts";
import type { RunIdentity } from "./run_folder.ts";
import type { StepStore } from "./step_store.ts";

/** What steps are made with. */
export interface StepTools {
  readonly bench: Bench;
  readonly sampler: ShardSampler;
  readonly store: StepStore;
  readonly identity: RunIdentity;
  readonly provenance: Provenance;
}

/** Fields that only people or some kinds of step read; those say so themselves. Files are known by their hashes. */
const ownFields: readonly (keyof Experiment)[] = [
  "name",
  "description",
  "model",
  "prompts",
  "contrastivePair",
  "seed",
  "search",
  "sparsity",
  "methods",
  "mainMethod",
  "evaluation",
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
