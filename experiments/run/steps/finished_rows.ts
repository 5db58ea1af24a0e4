/** Reads rows from made steps: plans, values of pairs, and the times that are taken last. */
import { meanInterval } from "@dip-go/eval/statistics";
import { formatMacs } from "@dip-go/eval/tables";
import { methodOf } from "@dip-go/pruner/methods";
import { denseCost } from "@dip-go/supernet/gates";
import type { ExperimentSteps, RowSteps } from "./experiment_steps.ts";
import type {
  FinishedRow,
  RowLatency,
  RowMetrics,
} from "../../results/measured_row.ts";
import type { Bench } from "../bench.ts";
import { msOf, targetsOf } from "../target.ts";
import type { MetricValues } from "./metric_steps.ts";
import type { Step } from "../../engine/step.ts";
import type { StepStore } from "../../engine/store/step_store.ts";
import type { StepTools } from "./step_tools.ts";

/** Every row that has a plan, from the values of its steps. */
export async function finishedRows(
  tools: StepTools,
  { rows, latencies }: ExperimentSteps,
): Promise<FinishedRow[]> {
  const { store } = tools;
  const bench = await tools.bench();
  const effortOf = searchEffort(bench);
  const finished: FinishedRow[] = [];
  for (const { fit, name, planned, metrics } of rows) {
    const { fitted } = await store.read(fit);
    if (fitted.kind === "none") continue;
    const { method: { name: method }, target } = planned;
    const row = {
      method,
      sparsity: bench.sparsityOf(target),
      macs: bench.macs(fitted),
      ...bench.costs && {
        predictedSpeedup: bench.denseCost / bench.cost(fitted),
        targetMs: msOf(target) ?? bench.budget(target) / 1e6,
      },
      ...effortOf(method),
      ...await metricsOf(store, metrics),
    };
    const own: RowLatency[] = [];
    for (
      const { batch, step } of latencies.filter((each) =>
        each.target === target
      )
    ) {
      const times = await store.read(step);
      own.push({ batch, full: times.full, row: times[method] });
    }
    finished.push({ name, row, fitted, latencies: own });
  }
  return finished;
}

/**
 * The cost of each method's search for all budgets of the experiment, in pictures
 * by the full sampler, with the sampling of its own pictures, and the number of
 * different pictures that it sees. Both are 0 if nothing is searched.
 */
function searchEffort(
  bench: Bench,
): (method: string) => { searchPasses: number; searchPictures: number } {
  const { search, methods } = bench.experiment;
  const { batch: images, calibration } = search;
  const net = bench.searchedNet;
  const dense = denseCost(net);
  const budgets = targetsOf(bench.experiment)
    .map((target) => images * bench.budget(target));
  const searching = methods.map(methodOf).filter((each) => each.searches);
  const efforts = new Map(
    searching.map((method) => {
      const cost = method.searchCost?.({ net, search, budgets }) ?? 0;
      const own = method.pictures?.({ search });
      return [method.name, {
        searchPasses: images * cost / dense +
          (own === undefined ? images * calibration : 0),
        searchPictures: own ?? images * calibration,
      }];
    }),
  );
  return (method) =>
    efforts.get(method) ?? { searchPasses: 0, searchPictures: 0 };
}

/** The values of all metrics of one set of pictures, and the commits that measured them. */
export async function metricsOf(
  store: StepStore,
  steps: readonly Step<MetricValues>[],
): Promise<{ metrics: RowMetrics; commit?: string }> {
  const values = await Array.fromAsync(steps, (step) => store.read(step));
  const commits = new Set(values.flatMap(({ commit }) => commit ?? []));
  const metrics = Object.fromEntries(
    values.flatMap(({ metrics }) => Object.entries(metrics)),
  );
  return {
    metrics,
    ...commits.size > 0 ? { commit: [...commits].join(", ") } : {},
  };
}

/** A line about a row before it is timed. */
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

/** The reasons why rows are missing, a sentence each. */
export async function notesOf(
  store: StepStore,
  rows: readonly RowSteps[],
): Promise<string[]> {
  const notes: string[] = [];
  for (const { fit, planned: { method, target } } of rows) {
    const { fitted } = await store.read(fit);
    if (fitted.kind !== "none") continue;
    notes.push(
      `${method.name} at ${
        typeof target === "number" ? "sparsity " : ""
      }${target} is left out: ${fitted.note}.`,
    );
  }
  return notes;
}
