/** An experiment as steps: sample full model and calibration, search, fit, sample and measure rows, time. */
import { type PlannedRow, plannedRows } from "./search/fit_row.ts";
import { fitStep, type RowFit } from "./search/fit_step.ts";
import { latencyStep } from "./latency_step.ts";
import type { RoundTimes } from "./round_times.ts";
import { rowName } from "../../results/measured_row.ts";
import {
  metricSteps,
  type MetricValues,
  type References,
  type SampledPictures,
} from "./metric_steps.ts";
import { referenceSteps } from "../../schema/metric_records.ts";
import type { Target } from "../target.ts";
import { sampleSteps } from "./sample_steps.ts";
import type { Step } from "../../engine/step.ts";
import type { StepTools } from "./step_tools.ts";

/** The steps of the full model. */
export interface FullSteps extends SampledPictures {
  readonly metrics: readonly Step<MetricValues>[];
}

/** The steps of a row. */
export interface RowSteps extends FullSteps {
  /** The estimated MACs of one image. */
  readonly macs: number;
  readonly planned: PlannedRow;
  readonly fit: Step<RowFit>;
}

/** The step that times the rows of a target at a batch size. */
export interface LatencySteps {
  readonly target: Target;
  readonly batch: number;
  readonly step: Step<RoundTimes>;
}

/** The steps of an experiment. */
export interface ExperimentSteps {
  readonly full: FullSteps;
  readonly rows: readonly RowSteps[];
  readonly latencies: readonly LatencySteps[];
}

/** The steps of the tools' experiment. */
export function experimentSteps(tools: StepTools): ExperimentSteps {
  const { counted, identity: { experiment } } = tools;
  const { denseMacs } = counted;
  const own = { name: "full", macs: denseMacs };
  const full = { ...own, samples: sampleSteps(tools, own) };
  const finer = finerReferences(tools);
  const references = new Map([[undefined, full.samples], ...finer]);
  const rows = plannedRows(experiment).map((planned) => {
    const { method, target } = planned;
    const row = {
      planned,
      name: rowName(method.name, target),
      fit: fitStep(tools, planned),
      macs: (1 - counted.sparsityOf(target)) * denseMacs,
    };
    const pictures = { ...row, samples: sampleSteps(tools, row) };
    const metrics = metricSteps(tools, pictures, references);
    return { ...pictures, metrics };
  });
  return {
    full: { ...full, metrics: metricSteps(tools, full, finer) },
    rows,
    latencies: latencySteps(tools, rows),
  };
}

/** The full model's pictures in other numbers of steps, which metrics compare with. */
function finerReferences(tools: StepTools): References {
  const { counted: { full, denseMacs }, identity: { experiment } } = tools;
  const counts = experiment.metrics.flatMap((record) =>
    referenceSteps(record) ?? []
  );
  return new Map(
    [...new Set(counts)].map((steps) => [
      steps,
      sampleSteps(tools, {
        name: `full, ${steps} steps,`,
        steps,
        macs: denseMacs * full.withSteps(steps).calls / full.calls,
      }),
    ]),
  );
}

/** A step for each target and batch. */
function latencySteps(
  tools: StepTools,
  rows: readonly RowSteps[],
): LatencySteps[] {
  const { batches } = tools.identity.experiment.latency;
  const groups = [...Map.groupBy(rows, ({ planned }) => planned.target)];
  return groups.flatMap(([target, group]) =>
    batches.map((batch) => {
      const step = latencyStep(tools, group, { target, batch });
      return { target, batch, step };
    })
  );
}

/** The steps that sample, which shares divide; the fits come before them. */
export function sampleTargets({ full, rows }: ExperimentSteps): Step[] {
  return [full, ...rows].flatMap(({ samples }) => samples);
}

/** All steps that a report needs. */
export function allTargets(steps: ExperimentSteps): Step[] {
  const { full, rows, latencies } = steps;
  return [
    ...full.samples,
    ...full.metrics,
    ...rows.flatMap(({ metrics }) => metrics),
    ...latencies.map(({ step }) => step),
  ];
}
