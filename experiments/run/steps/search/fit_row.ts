/** The rows of an experiment, and the plan of one. */
import type { Bench } from "../../bench.ts";
import type { Experiment } from "../../../schema/experiment.ts";
import {
  fitTarget,
  type FittedPlan,
  type Method,
  type MethodContext,
  methodOf,
} from "@dip-go/pruner/methods";

/** One method at one sparsity. */
export interface PlannedRow {
  readonly method: Method;
  readonly sparsity: number;
}

/** The rows of an experiment, by sparsity, then in the order of its methods. */
export function plannedRows(
  { sparsity, methods }: Experiment,
): PlannedRow[] {
  return sparsity.flatMap((sparsity) =>
    methods.map((chosen) => ({ method: methodOf(chosen), sparsity }))
  );
}

/** A row's targets: the experiment's up to its own, ascending. */
export function targetsOf(
  experiment: Experiment,
  { sparsity }: Pick<PlannedRow, "sparsity">,
): number[] {
  return experiment.sparsity.filter((target) => target <= sparsity)
    .sort((a, b) => a - b);
}

/** What a method calls back while it searches; the calibration is made unless it is told. */
export type ContextCalls =
  & Pick<MethodContext, "progress" | "once">
  & Partial<Pick<MethodContext, "calibration">>;

/**
 * Fits one row's plan, whichever rows were fitted before.
 *
 * @throws {RangeError} If the plan exceeds the budget.
 */
export function fitRow(
  bench: Bench,
  row: PlannedRow,
  calls: ContextCalls,
): Promise<FittedPlan> {
  const targets = targetsOf(bench.experiment, row);
  return fitTarget(row.method, { ...bench.search.context(targets), ...calls });
}
