/** What an experiment would run: methods, MACs and model calls, without sampling. */
import type { Device } from "@dip-go/core/runtime";
import { alignedLines, formatMacs } from "@dip-go/eval/tables";
import { type Bench, openBench } from "../run/bench.ts";
import { checkExperiment, type Experiment } from "../schema/experiment.ts";
import { fitRow, type PlannedRow, plannedRows } from "../run/steps/fit_row.ts";
import type { FittedPlan, SampledPlan } from "@dip-go/pruner/methods";
import { fileLines } from "../run/inputs/needed_files.ts";

/**
 * A line a row, and a line a file; methods that search are shown with their budget.
 *
 * @throws {RangeError} As {@linkcode fitRow}, or if a value of the experiment is out of range.
 */
export async function dryRun(
  experiment: Experiment,
  { device }: { device: Device },
): Promise<string[]> {
  checkExperiment(experiment);
  await using bench = await openBench(experiment, { device });
  const { steps } = experiment.sampler;
  const rows = [
    ["method", "sparsity", "MACs", "speedup", "calls"],
    ["full", "0", ...costs(bench, { kind: "steps", steps })],
  ];
  for (const row of plannedRows(experiment)) {
    const cells = await rowCosts(bench, row);
    rows.push([row.method.name, `${row.sparsity}`, ...cells]);
  }
  return [
    ...alignedLines(rows, { left: 1 }),
    ...budgetNote(experiment),
    "",
    ...await fileLines([experiment]),
  ];
}

/** What a dry run does not know. */
export const budgetNote = ({ cost }: Experiment): string[] =>
  cost === "macs" ? [] : [
    "Budgets are of time, which is measured when the experiment runs: rows are fitted to MACs here.",
  ];

/** The plan of a row that needs no search. */
export function planWithoutSearch(
  bench: Bench,
  row: PlannedRow,
): Promise<FittedPlan> {
  return fitRow(bench, row, {
    progress: () => {},
    once: () => {
      throw new Error("Cannot search in a dry run");
    },
  });
}

async function rowCosts(bench: Bench, row: PlannedRow): Promise<string[]> {
  const budget = formatMacs(bench.budget(row.sparsity));
  if (row.method.searches) return [`≤ ${budget}`, "", "searched"];
  return costs(bench, await planWithoutSearch(bench, row));
}

function costs(bench: Bench, fitted: FittedPlan): string[] {
  if (fitted.kind === "none") return ["", "", "none fits"];
  const macs = bench.macs(fitted);
  const calls = callsOf(bench, fitted);
  const speedup = (bench.denseMacs / macs).toFixed(2);
  return [formatMacs(macs), `${speedup}×`, `${calls}`];
}

/** Steps at which a plan calls the model, whole or in part. */
export function callsOf(bench: Bench, fitted: SampledPlan): number {
  return fitted.kind === "steps"
    ? bench.calls(fitted.steps)
    : fitted.plan.gates.filter((row) => row.at(-1) === 1).length;
}
