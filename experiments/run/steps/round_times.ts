/** Times plans in turns, on the evaluation pairs. */
import { interleave, type Latency } from "@dip-go/eval/statistics";
import { openBatchSampler } from "../evaluate.ts";
import type { SampledPlan } from "@dip-go/pruner/methods";
import type { Experiment } from "../../schema/experiment.ts";
import type { StepTools } from "./step_tools.ts";

/** Milliseconds by method, the full model's as "full"; all methods take turns in each round. */
export type RoundTimes = Readonly<Record<string, Latency>>;

/** The full model as a plan. */
export function fullPlan({ sampler: { steps } }: Experiment): SampledPlan {
  return { kind: "steps", steps };
}

/** Times batches of `batch` images by each plan. */
export async function roundTimes(
  tools: StepTools,
  plans: readonly (readonly [string, SampledPlan])[],
  { batch, rounds }: { readonly batch: number; readonly rounds: number },
): Promise<RoundTimes> {
  const bench = await tools.bench();
  const { pairs } = await tools.sampler();
  const batchPairs = Array.from(
    { length: batch },
    (_, i) => pairs[i % pairs.length],
  );
  await using opened = new AsyncDisposableStack();
  const samplers: Record<string, () => Promise<unknown>> = {};
  for (const [name, plan] of plans) {
    const sampler = opened.use(
      await openBatchSampler(bench, plan, batch),
    );
    const inputs = await sampler.inputsOf(batchPairs);
    samplers[name] = () => sampler.sample(inputs);
  }
  return await interleave(samplers, { rounds });
}
