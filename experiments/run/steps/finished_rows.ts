/** From steps that were made to rows: plans, values a pair, and the times that are taken last. */
import { meanInterval } from "@dip-go/eval/statistics";
import { formatMacs } from "@dip-go/eval/tables";
import type { RowSteps } from "./experiment_steps.ts";
import { latencyStep, type RoundTimes, type TimedRow } from "./latency_step.ts";
import type {
  FinishedRow,
  MeasuredRow,
  RowLatency,
  RowMetrics,
} from "../../results/measured_row.ts";
import type { MetricValues } from "./metric_steps.ts";
import { searchPasses } from "../search_cost.ts";
import type { Progress } from "../../engine/progress.ts";
import type { Step } from "../../engine/step.ts";
import { makeSteps } from "../../engine/step_graph.ts";
import type { StepStore } from "../../engine/step_store.ts";
import type { StepTools } from "./step_tools.ts";

/** A row before it is timed. */
interface EvaluatedRow extends TimedRow {
  readonly row: MeasuredRow;
}

/** Every row that has a plan, timed. */
export async function finishedRows(
  tools: StepTools,
  steps: readonly RowSteps[],
  progress: Progress,
): Promise<FinishedRow[]> {
  const rows = await evaluatedRows(tools, steps);
  const timings = latencySteps(tools, rows);
  const { store } = tools;
  await makeSteps(timings.map(({ step }) => step), { store, progress });
  const finished: FinishedRow[] = [];
  for (const { row, fitted } of rows) {
    const latencies: RowLatency[] = [];
    for (const { sparsity, batch, step } of timings) {
      if (sparsity !== row.sparsity) continue;
      const times = await store.read(step);
      latencies.push({ batch, full: times.full, row: times[row.method] });
    }
    finished.push({ row, fitted, latencies });
  }
  return finished;
}

async function evaluatedRows(
  { store, bench }: StepTools,
  rows: readonly RowSteps[],
): Promise<EvaluatedRow[]> {
  const evaluated: EvaluatedRow[] = [];
  const passesOf = searchPasses(bench);
  for (const steps of rows) {
    const { fitted } = await store.read(steps.fit);
    if (fitted.kind === "none") continue;
    const { planned: { method: { name: method }, sparsity }, fit } = steps;
    const row = {
      method,
      sparsity,
      macs: bench.macs(fitted),
      ...bench.costs
        ? { predictedSpeedup: bench.denseCost / bench.cost(fitted) }
        : {},
      searchPasses: passesOf(method),
      ...await metricsOf(store, steps.metrics),
    };
    evaluated.push({ method, fit, fitted, row });
  }
  return evaluated;
}

/** A step for each sparsity and batch. */
function latencySteps(
  tools: StepTools,
  rows: readonly EvaluatedRow[],
): { sparsity: number; batch: number; step: Step<RoundTimes> }[] {
  const { batches } = tools.identity.experiment.latency;
  const groups = [...Map.groupBy(rows, ({ row }) => row.sparsity)];
  return groups.flatMap(([sparsity, group]) =>
    batches.map((batch) => {
      const step = latencyStep(tools, group, { sparsity, batch });
      return { sparsity, batch, step };
    })
  );
}

/** What the metrics of one set of pictures gave, and the commits that measured them. */
export async function metricsOf(
  store: StepStore,
  steps: readonly Step<MetricValues>[],
): Promise<{ metrics: RowMetrics; commit?: string }> {
  const values: MetricValues[] = [];
  for (const step of steps) values.push(await store.read(step));
  const commits = new Set(values.flatMap(({ commit }) => commit ?? []));
  const metrics = Object.fromEntries(
    values.flatMap(({ metrics }) => Object.entries(metrics)),
  );
  return {
    metrics,
    ...commits.size > 0 ? { commit: [...commits].join(", ") } : {},
  };
}

/** A row before it is timed, in a line. */
export async function rowLine(
  { store, bench }: StepTools,
  { name, fit, metrics: steps }: RowSteps,
): Promise<string> {
  const { fitted } = await store.read(fit);
  if (fitted.kind === "none") return `${name}: ${fitted.note}`;
  const { metrics } = await metricsOf(store, steps);
  const values = Object.entries(metrics).map(([metric, own]) => {
    const { mean } = "mean" in own ? own : meanInterval(own);
    return `${metric} ${mean.toPrecision(4)}`;
  });
  return [`${name}: ${formatMacs(bench.macs(fitted))} MACs`, ...values]
    .join(", ");
}

/** Why rows are missing, a sentence each. */
export async function notesOf(
  store: StepStore,
  rows: readonly RowSteps[],
): Promise<string[]> {
  const notes: string[] = [];
  for (const { fit, planned: { method, sparsity } } of rows) {
    const { fitted } = await store.read(fit);
    if (fitted.kind !== "none") continue;
    notes.push(
      `${method.name} at sparsity ${sparsity} is left out: ${fitted.note}.`,
    );
  }
  return notes;
}
