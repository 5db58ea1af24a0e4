/** An experiment as a list of steps: sample the full model, fit every row, sample it, measure its pictures. Latency follows, when all else is quiet. */
import { type PlannedRow, plannedRows } from "./fit_row.ts";
import { fitStep, type RowFit } from "./fit_step.ts";
import { rowName } from "../../results/measured_row.ts";
import {
  metricSteps,
  type MetricValues,
  type SampledPictures,
} from "./metric_steps.ts";
import { sampleSteps } from "./sample_steps.ts";
import type { Step } from "../../engine/step.ts";
import type { StepTools } from "./step_tools.ts";

/** The steps of the full model. */
export interface FullSteps extends SampledPictures {
  readonly metrics: readonly Step<MetricValues>[];
}

/** The steps of a row. */
export interface RowSteps extends FullSteps {
  readonly planned: PlannedRow;
  readonly fit: Step<RowFit>;
}

/** The steps of an experiment. */
export interface ExperimentSteps {
  readonly full: FullSteps;
  readonly rows: readonly RowSteps[];
}

/** The steps of the tools' experiment. */
export function experimentSteps(tools: StepTools): ExperimentSteps {
  const { bench: { denseMacs }, identity: { experiment } } = tools;
  const own = { name: "full", macs: denseMacs };
  const full = { ...own, samples: sampleSteps(tools, own) };
  const rows = plannedRows(experiment).map((planned) => {
    const { method, sparsity } = planned;
    const row = {
      planned,
      name: rowName(method.name, sparsity),
      fit: fitStep(tools, planned),
      macs: (1 - sparsity) * denseMacs,
    };
    const pictures = { ...row, samples: sampleSteps(tools, row) };
    const metrics = metricSteps(tools, pictures, full.samples);
    return { ...pictures, metrics };
  });
  return { full: { ...full, metrics: metricSteps(tools, full) }, rows };
}

/** The samples, which machines share; fits are before them. */
export function sampleTargets({ full, rows }: ExperimentSteps): Step[] {
  return [full, ...rows].flatMap(({ samples }) => samples);
}

/** What a report without latency needs; fits and samples are before it. */
export function metricTargets({ full, rows }: ExperimentSteps): Step[] {
  return [
    ...full.samples,
    ...full.metrics,
    ...rows.flatMap(({ metrics }) => metrics),
  ];
}
