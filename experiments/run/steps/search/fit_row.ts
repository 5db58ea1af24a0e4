/** The rows of an experiment, and the plan of one. */
import type { Bench } from "../../bench.ts";
import type { Experiment } from "../../../schema/experiment.ts";
import { byBudget, type Target, targetsOf } from "../../target.ts";
import {
  fitTarget,
  type FittedPlan,
  type Method,
  type MethodContext,
  methodOf,
} from "@dip-go/pruner/methods";

/** One method at one target. */
export interface PlannedRow {
  readonly method: Method;
  readonly target: Target;
}

/** The rows of an experiment, by target, then in the order of its methods. */
export function plannedRows(experiment: Experiment): PlannedRow[] {
  return targetsOf(experiment).flatMap((target) =>
    experiment.methods.map((chosen) => ({ method: methodOf(chosen), target }))
  );
}

/** A row's targets: the experiment's up to its own, from the largest budget on. */
export function targetsUpTo(
  experiment: Experiment,
  { target }: Pick<PlannedRow, "target">,
): Target[] {
  return targetsOf(experiment).filter((each) => byBudget(each, target) <= 0)
    .sort(byBudget);
}

/** The callbacks of a method's search; without `calibration` the search samples its own. */
export type ContextCalls =
  & Pick<MethodContext, "progress" | "once">
  & Partial<Pick<MethodContext, "calibration">>;

/**
 * Fits one row's plan, the same whichever rows were fitted before.
 *
 * @param share The fraction of the full sampler's cost that the plan leaves out; the target's by default.
 * @throws {RangeError} If the plan exceeds the budget.
 */
export function fitRow(
  bench: Bench,
  row: PlannedRow,
  calls: ContextCalls,
  share: number = bench.sparsityOf(row.target),
): Promise<FittedPlan> {
  const before = targetsUpTo(bench.experiment, row).slice(0, -1)
    .map((target) => Math.min(share, bench.sparsityOf(target)));
  const sparsity = [...before, share];
  return fitTarget(row.method, { ...bench.search.context(sparsity), ...calls });
}
