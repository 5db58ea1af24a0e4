/** The steps that sample a plan, a shard each. */
import type { Tensor } from "@dip-go/core/tensor";
import type { SampledPlan } from "@dip-go/pruner/methods";
import { type Step, step } from "../../engine/step.ts";
import { latentsFormat } from "../../engine/store/step_format.ts";
import type { StepStore } from "../../engine/store/step_store.ts";
import { shardCount } from "../evaluate.ts";
import { fullPlan } from "./round_times.ts";
import type { RowFit } from "./search/fit_step.ts";
import { modelReads } from "./step_reads.ts";
import type { StepTools } from "./step_tools.ts";

/** A step that samples a shard's final latents, which are decoded when their pictures are read. */
export type SampleStep = Step<Tensor<"float32">>;

/**
 * The steps that sample a row, which do not apply if its fit found no plan, or the full model.
 *
 * @param options.steps The number of the full model's steps; the experiment's by default.
 * @param options.macs The estimated MACs of one image.
 */
export function sampleSteps(
  tools: StepTools,
  { name, fit, steps, macs }: {
    readonly name: string;
    readonly fit?: Step<RowFit>;
    readonly steps?: number;
    readonly macs: number;
  },
): SampleStep[] {
  const { store, memory, identity: { experiment, inputs } } = tools;
  const { pairs: _, ...evaluation } = experiment.evaluation;
  const shards = shardCount(experiment);
  return Array.from({ length: shards }, (_, shard) =>
    step({
      kind: "sample",
      name: `${name} ${shard + 1}/${shards}`,
      reads: {
        ...modelReads(tools.identity),
        prompts: inputs.prompts?.evaluation,
        ...evaluation,
        ...steps === undefined ? {} : { steps },
        shard,
      },
      after: fit ? [fit] : [],
      format: latentsFormat,
      cost: macs * evaluation.batch,
      memory: memory.sampling,
      applies: () => hasPlan(store, fit),
      async make() {
        const plan: SampledPlan = steps === undefined
          ? await madePlan(tools, fit)
          : { kind: "steps", steps };
        const sampler = await tools.sampler();
        return await sampler.sample(name, plan, shard);
      },
    }));
}

/** The plan of a fit that found one, or the full model's. */
export const madePlan = async (
  { store, identity: { experiment } }: StepTools,
  fit: Step<RowFit> | undefined,
): Promise<SampledPlan> =>
  fit ? (await store.read(fit)).fitted as SampledPlan : fullPlan(experiment);

/** Whether a fit that was made found a plan; the full model always has one. */
export const hasPlan = async (
  store: StepStore,
  fit: Step<RowFit> | undefined,
): Promise<boolean> =>
  fit === undefined || (await store.read(fit)).fitted.kind !== "none";
