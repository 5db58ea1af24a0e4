/** The parts of an experiment that most of its steps read. */
import type { Experiment } from "../../schema/experiment.ts";
import type { RunIdentity } from "../../results/run_folder.ts";

/** Fields that only people or some kinds of step read; those say so themselves. Files are known by their hashes. */
const ownFields: readonly (keyof Experiment)[] = [
  "name",
  "description",
  "model",
  "prompts",
  "seed",
  "search",
  "sparsity",
  "budgetMs",
  "methods",
  "mainMethod",
  "evaluation",
  "metrics",
  "latency",
  "cost",
];

/** What everything that runs the model reads: all of the experiment but `ownFields`, so that a field to come is not forgotten. */
export function modelReads(
  { experiment, device, precision, inputs }: RunIdentity,
): Record<string, unknown> {
  const fields = Object.entries(experiment).filter(([name]) =>
    !ownFields.includes(name as keyof Experiment)
  );
  return {
    device,
    ...precision === "float32" ? {} : { precision }, // what was made before there was a choice is float32
    model: inputs.model,
    ...Object.fromEntries(fields),
  };
}

/** What the batches that searches work on are made of, and their seed. */
export function searchReads(identity: RunIdentity): Record<string, unknown> {
  const { experiment: { seed, search: { batch } }, inputs } = identity;
  const prompts = inputs.prompts?.search;
  return { ...modelReads(identity), seed, prompts, batch };
}
