/** The steps that sample a plan, a shard each. */
import { shardCount } from "../evaluate.ts";
import type { Experiment } from "../../schema/experiment.ts";
import { rowName } from "../../results/measured_row.ts";
import type { PlannedRow } from "./fit_row.ts";
import type { RowFit } from "./fit_step.ts";
import type { FittedPlan, SampledPlan } from "@dip-go/pruner/methods";
import type { SampledBatch } from "../../measure/sampled_sets.ts";
import { type Step, step } from "../../engine/step.ts";
import { picturesFormat } from "../../engine/step_format.ts";
import type { StepStore } from "../../engine/step_store.ts";
import { modelReads } from "./step_reads.ts";
import type { StepTools } from "./step_tools.ts";

/** Samples a shard. */
export type SampleStep = Step<SampledBatch>;

/** The full model as a plan. */
export function fullPlan({ sampler: { steps } }: Experiment): SampledPlan {
  return { kind: "steps", steps };
}

/** Shards of the full model. */
export function fullSampleSteps(tools: StepTools): SampleStep[] {
  const { experiment } = tools.identity;
  const plan = fullPlan(experiment);
  const macs = tools.bench.denseMacs;
  return sampleSteps(tools, { name: "full", plan: () => plan, macs });
}

/** Shards of a row, which its fit may leave out. */
export function rowSampleSteps(
  tools: StepTools,
  { method, sparsity }: PlannedRow,
  fit: Step<RowFit>,
): SampleStep[] {
  return sampleSteps(tools, {
    name: rowName(method.name, sparsity),
    fit,
    plan: async () => (await tools.store.read(fit)).fitted,
    macs: (1 - sparsity) * tools.bench.denseMacs,
  });
}

function sampleSteps(
  { store, sampler, identity }: StepTools,
  { name, fit, plan, macs }: {
    name: string;
    fit?: Step<RowFit>;
    plan: () => FittedPlan | Promise<FittedPlan>;
    /** Of one image, about. */
    macs: number;
  },
): SampleStep[] {
  const { experiment, inputs } = identity;
  const { pairs: _, ...evaluation } = experiment.evaluation;
  const shards = shardCount(experiment);
  return Array.from({ length: shards }, (_, shard) =>
    step({
      kind: "sample",
      name: `${name} ${shard + 1}/${shards}`,
      reads: {
        ...modelReads(identity),
        prompts: inputs.prompts?.evaluation,
        ...evaluation,
        shard,
      },
      after: fit ? [fit] : [],
      format: picturesFormat,
      cost: macs * evaluation.batch,
      applies: async () => !fit || await hasPlan(store, fit),
      make: async () =>
        sampler.sample(name, await plan() as SampledPlan, shard),
    }));
}

/** Whether a fit that was made found a plan. */
export async function hasPlan(
  store: StepStore,
  fit: Step<RowFit>,
): Promise<boolean> {
  return (await store.read(fit)).fitted.kind !== "none";
}
