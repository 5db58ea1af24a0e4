/** From steps that were made to rows: plans, values a pair, and the times that are taken last. */
import { meanInterval } from "@dip-go/eval/statistics";
import { formatMacs } from "@dip-go/eval/tables";
import type {
  ExperimentSteps,
  LatencySteps,
  RowSteps,
} from "./experiment_steps.ts";
import type {
  FinishedRow,
  RowLatency,
  RowMetrics,
} from "../../results/measured_row.ts";
import type { MetricValues } from "./metric_steps.ts";
import { searchEffort } from "../search_cost.ts";
import type { Step } from "../../engine/step.ts";
import type { StepStore } from "../../engine/store/step_store.ts";
import type { StepTools } from "./step_tools.ts";

/** Every row that has a plan, from what was made. */
export async function finishedRows(
  tools: StepTools,
  { rows, latencies }: ExperimentSteps,
): Promise<FinishedRow[]> {
  const { store } = tools;
  const bench = await tools.bench();
  const effortOf = searchEffort(bench);
  const finished: FinishedRow[] = [];
  for (const { fit, planned, metrics } of rows) {
    const { fitted } = await store.read(fit);
    if (fitted.kind === "none") continue;
    const { method: { name: method }, sparsity } = planned;
    const row = {
      method,
      sparsity,
      macs: bench.macs(fitted),
      ...bench.costs
        ? { predictedSpeedup: bench.denseCost / bench.cost(fitted) }
        : {},
      ...effortOf(method),
      ...await metricsOf(store, metrics),
    };
    const own: RowLatency[] = [];
    for (const { batch, step } of latencies.filter(isAt(sparsity))) {
      const times = await store.read(step);
      own.push({ batch, full: times.full, row: times[method] });
    }
    finished.push({ row, fitted, latencies: own });
  }
  return finished;
}

const isAt = (sparsity: number) => (each: LatencySteps) =>
  each.sparsity === sparsity;

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
  tools: StepTools,
  { name, fit, metrics: steps }: RowSteps,
): Promise<string> {
  const { store } = tools;
  const { fitted } = await store.read(fit);
  if (fitted.kind === "none") return `${name}: ${fitted.note}`;
  const { metrics } = await metricsOf(store, steps);
  const values = Object.entries(metrics).map(([metric, own]) => {
    const { mean } = "mean" in own ? own : meanInterval(own);
    return `${metric} ${mean.toPrecision(4)}`;
  });
  const bench = await tools.bench();
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
