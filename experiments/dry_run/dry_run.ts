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
  const { lines } = await countRows(bench);
  return [...lines, "", ...await fileLines([experiment])];
}

/** The table of an experiment's rows, and MACs (total convention) of one image of each that would be sampled: of those that search, their budget. */
export interface CountedRows {
  readonly lines: readonly string[];
  readonly macs: readonly number[];
}

/**
 * Counts the full model and every row.
 *
 * @param paperMacs MACs of one image as the paper bills it, for a column of their own.
 */
export async function countRows(
  bench: Bench,
  paperMacs?: (plan: SampledPlan) => number,
): Promise<CountedRows> {
  const { sampler: { steps }, cost } = bench.experiment;
  const full: SampledPlan = { kind: "steps", steps };
  const columns = paperMacs ? ["MACs paper", "MACs total"] : ["MACs"];
  const billed = (text: (paper: (plan: SampledPlan) => number) => string) =>
    paperMacs ? [text(paperMacs)] : [];
  const planCells = (plan: SampledPlan) => {
    const macs = bench.macs(plan);
    return [
      ...billed((paper) => formatMacs(paper(plan))),
      formatMacs(macs),
      `${(bench.denseMacs / macs).toFixed(2)}×`,
      `${callsOf(bench, plan)}`,
    ];
  };
  const table = [
    ["method", "sparsity", ...columns, "speedup", "calls"],
    ["full", "0", ...planCells(full)],
  ];
  const sampled: number[] = [];
  for (const row of plannedRows(bench.experiment)) {
    const { method: { name, searches }, sparsity } = row;
    const budget = bench.budget(sparsity);
    const searched = () => [
      ...billed((paper) => `≈ ${formatMacs((1 - sparsity) * paper(full))}`),
      `≤ ${formatMacs(budget)}`,
      "",
      "searched",
    ];
    const fitted = searches ? null : await planWithoutSearch(bench, row);
    const isNone = fitted?.kind === "none";
    if (!isNone) sampled.push(fitted ? bench.macs(fitted) : budget);
    const cells = !fitted
      ? searched()
      : isNone
      ? [...billed(() => ""), "", "", "none fits"]
      : planCells(fitted);
    table.push([name, `${sparsity}`, ...cells]);
  }
  return {
    lines: [
      ...alignedLines(table, { left: 1 }),
      ...cost === "macs" ? [] : [
        "Budgets are of time, which is measured when the experiment runs: rows are fitted to MACs here.",
      ],
    ],
    macs: sampled,
  };
}

function planWithoutSearch(
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

/** Steps at which a plan calls the model, whole or in part. */
function callsOf(bench: Bench, plan: SampledPlan): number {
  return plan.kind === "steps"
    ? bench.calls(plan.steps)
    : plan.plan.gates.filter((row) => row.at(-1) === 1).length;
}
