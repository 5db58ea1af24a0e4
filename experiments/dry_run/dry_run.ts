/** The dry run of an experiment: its methods, MACs and model calls, without sampling. */
import { alignedLines, formatMacs } from "@dip-go/eval/tables";
import { inOrder } from "../engine/step_graph.ts";
import type { Bench } from "../run/bench.ts";
import type { Target } from "../run/target.ts";
import { allTargets, experimentSteps } from "../run/steps/experiment_steps.ts";
import type { RunPart } from "../results/run_folder.ts";
import { openStepTools } from "../run/steps/step_tools.ts";
import {
  fitRow,
  type PlannedRow,
  plannedRows,
} from "../run/steps/search/fit_row.ts";
import type { FittedPlan, SampledPlan } from "@dip-go/pruner/methods";
import { fileLines } from "../run/inputs/needed_files.ts";
import { graphLines } from "./graph_lines.ts";

/**
 * A line for each row, each group of like steps and each file. Methods that search show their budget.
 *
 * @throws {RangeError} As {@linkcode fitRow}.
 */
export async function dryRun(part: RunPart): Promise<string[]> {
  await using tools = await openStepTools(part, { log: () => {} });
  const lines = await countRows(tools.counted);
  const steps = inOrder(allTargets(experimentSteps(tools)));
  return [
    ...lines,
    "",
    ...graphLines(steps),
    "",
    ...await fileLines([part.identity.experiment]),
  ];
}

/**
 * Counts MACs and calls of the full model and every row, as lines of a table.
 *
 * @param paperMacs Returns a plan's MACs of one image as the paper counts them, for a column more.
 */
export async function countRows(
  bench: Bench,
  paperMacs?: (plan: SampledPlan) => number,
): Promise<string[]> {
  const { sampler: { steps }, cost, budgetMs } = bench.experiment;
  const full: SampledPlan = { kind: "steps", steps };
  const cellsOf = (plan: SampledPlan) => {
    const macs = bench.macs(plan);
    return [
      paperMacs ? formatMacs(paperMacs(plan)) : "",
      formatMacs(macs),
      `${(bench.denseMacs / macs).toFixed(2)}×`,
      `${callsOf(bench, plan)}`,
    ];
  };
  const searched = (target: Target) => {
    const kept = 1 - bench.sparsityOf(target);
    return [
      paperMacs ? `≈ ${formatMacs(kept * paperMacs(full))}` : "",
      `≤ ${formatMacs(bench.budget(target))}`,
      "",
      "searched",
    ];
  };
  const budget = budgetMs ? "budget" : "sparsity";
  const total = paperMacs ? "MACs total" : "MACs";
  const table = [
    ["method", budget, "MACs paper", total, "speedup", "calls"],
    ["full", "0", ...cellsOf(full)],
  ];
  for (const row of plannedRows(bench.experiment)) {
    const { method: { name, searches }, target } = row;
    const plan = searches ? null : await planWithoutSearch(bench, row);
    const cells = !plan
      ? searched(target)
      : plan.kind === "none"
      ? ["", "", "", "none fits"]
      : cellsOf(plan);
    table.push([name, `${target}`, ...cells]);
  }
  const shown = paperMacs ? table : table.map((cells) => cells.toSpliced(2, 1));
  return [
    ...alignedLines(shown, { left: 1 }),
    ...cost === "macs" ? [] : [
      "Budgets are of time, which is measured when the experiment runs: rows are fitted to MACs here.",
    ],
  ];
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

/** The number of steps at which a plan calls the model, whole or in part. */
function callsOf(bench: Bench, plan: SampledPlan): number {
  if (plan.kind === "adaptive") return bench.net.steps;
  return plan.kind === "steps"
    ? bench.samplerOf(plan).calls
    : plan.plan.gates.filter((row) => row.at(-1) === 1).length;
}
