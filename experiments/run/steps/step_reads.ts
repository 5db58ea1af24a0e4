/** The parts of an experiment that most of its steps read. */
import type { Experiment } from "../../schema/experiment.ts";
import type { RunIdentity } from "../../results/run_folder.ts";

/** Fields that only people or some kinds of step read, which add them; files count by their hashes. */
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

/** The reads of steps that run the model: every field but `ownFields`, so that no new field is forgotten. */
export function modelReads(
  { experiment, device, precision, inputs }: RunIdentity,
): Record<string, unknown> {
  const fields = Object.entries(experiment).filter(([name]) =>
    !ownFields.includes(name as keyof Experiment)
  );
  return {
    device,
    ...precision === "float32" ? {} : { precision }, // keys without a precision are of float32
    model: inputs.model,
    ...Object.fromEntries(fields),
  };
}

/** The reads of calibration batches and searches. */
export function searchReads(identity: RunIdentity): Record<string, unknown> {
  const { experiment: { seed, search: { batch } }, inputs } = identity;
  const prompts = inputs.prompts?.search;
  return { ...modelReads(identity), seed, prompts, batch };
}
