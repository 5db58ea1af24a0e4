/** What an experiment would run: methods, MACs and model calls, without sampling. */
import { alignedLines } from "../core/aligned_lines.ts";
import type { Device } from "../core/runtime/session.ts";
import { formatMacs } from "../eval/table.ts";
import { type Bench, openBench } from "./bench.ts";
import { checkExperiment, type Experiment } from "./experiment.ts";
import { fitRow, type PlannedRow, plannedRows } from "./fit_row.ts";
import type { FittedPlan } from "./method.ts";

/**
 * A line a row; methods that search are shown with their budget.
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
  return alignedLines(rows, { left: 1 });
}

async function rowCosts(bench: Bench, row: PlannedRow): Promise<string[]> {
  const budget = formatMacs(bench.budget(row.sparsity));
  if (row.method.searches) return [`≤ ${budget}`, "", "searched"];
  const fitted = await fitRow(bench, row, {
    progress: () => {},
    once: () => {
      throw new Error("Cannot search in a dry run");
    },
  });
  return costs(bench, fitted);
}

function costs(bench: Bench, fitted: FittedPlan): string[] {
  if (fitted.kind === "none") return ["", "", "none fits"];
  const macs = bench.macs(fitted);
  const calls = fitted.kind === "steps"
    ? bench.calls(fitted.steps)
    : fitted.plan.gates.filter((row) => row.at(-1) === 1).length;
  const speedup = (bench.denseMacs / macs).toFixed(2);
  return [formatMacs(macs), `${speedup}×`, `${calls}`];
}
