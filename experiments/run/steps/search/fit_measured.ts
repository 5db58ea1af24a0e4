/** Fits a row to measured time: plans are timed in turns with the full model, and fitted again if they miss. */
import type { FittedPlan, SampledPlan } from "@dip-go/pruner/methods";
import { quietMachine } from "../../../engine/quiet_machine.ts";
import { fitToTime } from "../../../measure/fit_to_time.ts";
import { rowName } from "../../../results/measured_row.ts";
import { fullPlan, roundTimes } from "../round_times.ts";
import type { StepTools } from "../step_tools.ts";
import type { PlannedRow } from "./fit_row.ts";

/**
 * The row's plan; a target that is a fraction counts the full model's time in the same rounds.
 *
 * @param fit Fits by the pieces' times; `share` of the full time is left out, the target's by default.
 */
export async function fitMeasured(
  tools: StepTools,
  { method, target }: PlannedRow,
  fit: (share?: number) => Promise<FittedPlan>,
): Promise<FittedPlan> {
  const bench = await tools.bench();
  const { experiment } = tools.identity;
  const { latency: { batches: [batch], rounds } } = experiment;
  const full = bench.denseCost / 1e6;
  const budget = bench.budget(target) / 1e6;
  const first = await fit();
  if (first.kind === "none") return first;
  const [best] = await fitToTime<SampledPlan>([budget], [first], {
    range: [full / bench.net.steps, 0.999 * full],
    async fit([ms]) {
      const found = await fit(1 - ms / full);
      return [found.kind === "none" ? undefined : found];
    },
    foretold: (plan) => bench.cost(plan) / 1e6,
    async measure([plan]) {
      if (!plan) return [];
      const name = rowName(method.name, target);
      await using _quiet = await quietMachine(name, tools);
      const plans = [["full", fullPlan(experiment)], ["row", plan]] as const;
      const times = await roundTimes(tools, plans, { batch, rounds });
      const unit = typeof target === "number"
        ? full / times.full.median
        : 1 / batch;
      return [times.row.median * unit];
    },
  });
  return best!;
}
