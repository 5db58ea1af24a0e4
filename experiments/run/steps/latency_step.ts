/** The step that times the rows of one target in turns with the full model, on this hardware. */
import type { PlannedRow } from "./search/fit_row.ts";
import type { RowFit } from "./search/fit_step.ts";
import type { SampledPlan } from "@dip-go/pruner/methods";
import type { Target } from "../target.ts";
import { hasPlan } from "./sample_steps.ts";
import { fullPlan, type RoundTimes, roundTimes } from "./round_times.ts";
import { quietMachine } from "../../engine/quiet_machine.ts";
import { type Step, step } from "../../engine/step.ts";
import { modelReads } from "./step_reads.ts";
import type { StepTools } from "./step_tools.ts";

/** A row to be timed. */
export interface TimedRow {
  readonly planned: PlannedRow;
  readonly fit: Step<RowFit>;
  /** The estimated MACs of one image. */
  readonly macs: number;
}

/** The step that times the rows of a target in batches of `batch` images. */
export function latencyStep(
  tools: StepTools,
  rows: readonly TimedRow[],
  { target, batch }: { target: Target; batch: number },
): Step<RoundTimes> {
  const { identity, provenance: { hardware }, store, counted } = tools;
  const { latency: { rounds }, evaluation } = identity.experiment;
  const macs = rows.reduce((sum, row) => sum + row.macs, counted.denseMacs);
  return step({
    kind: "latency",
    name: `at ${target}, batch ${batch}`,
    reads: {
      ...modelReads(identity),
      prompts: identity.inputs.prompts?.evaluation,
      seed: evaluation.seed,
      hardware,
      methods: rows.map(({ planned: { method } }) => method.name),
      rounds,
      batch,
    },
    after: rows.map(({ fit }) => fit),
    cost: rounds * batch * macs,
    memory: tools.memory.sampling,
    alone: true,
    async applies() {
      for (const { fit } of rows) if (await hasPlan(store, fit)) return true;
      return false;
    },
    async make() {
      const plans: [string, SampledPlan][] = [
        ["full", fullPlan(identity.experiment)],
      ];
      for (const { planned: { method }, fit } of rows) {
        const { fitted } = await store.read(fit);
        if (fitted.kind !== "none") plans.push([method.name, fitted]);
      }
      await using _quiet = await quietMachine(`rows at ${target}`, tools);
      return await roundTimes(tools, plans, { batch, rounds });
    },
  });
}
