/** Summarises values of pairs as a run's `results.json`: means, intervals, paired differences, speedups. */
import type { Precision } from "@dip-go/core/runtime";
import type { ResultRow, Results } from "@dip-go/eval/tables";
import { gradientPasses } from "@dip-go/pruner/methods";
import type { Experiment } from "../schema/experiment.ts";
import type { FinishedRow, RowLatency, RowMetrics } from "./measured_row.ts";
import { metricValues, type RowGroup, seeded } from "./metric_values.ts";
import type { Provenance } from "./provenance.ts";

/** The measured values that results are made from. */
export interface Measurements {
  readonly experiment: Experiment;
  /** Name of the sampler, which the experiment may leave to the model. */
  readonly sampler: string;
  /** MACs of one image with the full model. */
  readonly denseMacs: number;
  /** The full model's values of metrics that compare with no other model. */
  readonly fullMetrics: RowMetrics;
  readonly rows: readonly FinishedRow[];
  readonly provenance: Provenance;
  readonly precision: Precision;
}

/** The results of a run: the full model, then every row. */
export function summarise(
  { experiment, sampler, denseMacs, fullMetrics, rows, provenance, precision }:
    Measurements,
): Results {
  const { steps, guidanceScale } = experiment.sampler;
  const commits = new Set(rows.flatMap(({ row }) => row.commit ?? []));
  return {
    experiment: experiment.name,
    model: experiment.model,
    sampler: { name: sampler, steps, guidanceScale },
    rows: [
      fullRow(denseMacs, fullMetrics, rows),
      ...rows.map((each) => resultRow(each, { experiment, denseMacs, rows })),
    ],
    seed: experiment.evaluation.seed,
    samples: experiment.evaluation.pairs,
    precision,
    gradientPasses,
    ...provenance,
    ...commits.size > 0 ? { commit: [...commits].join(", ") } : {},
  };
}

/** The full model; its time is the median over the rows it took turns with. */
function fullRow(
  macs: number,
  metrics: RowMetrics,
  rows: readonly FinishedRow[],
): ResultRow {
  const times = rows.map(({ latencies: [{ full, batch }] }) =>
    full.median / batch
  )
    .sort((a, b) => a - b);
  return {
    method: "full",
    sparsity: 0,
    macs,
    macsSpeedup: 1,
    latencyMs: times[times.length >> 1] ?? null,
    speedup: times.length > 0 ? 1 : null,
    metrics: metricValues(seeded({ method: "full", metrics }), {
      rows: [],
      main: undefined,
    }),
  };
}

/** The number of an experiment's noises if batches share them; undefined if each picture has its own. */
export const noisesOf = (
  { evaluation: { seedPer, batch } }: Experiment,
): number | undefined => seedPer === "batch" ? batch : undefined;

function resultRow(
  { row, latencies }: FinishedRow,
  { experiment, denseMacs, rows }: Pick<
    Measurements,
    "experiment" | "denseMacs" | "rows"
  >,
): ResultRow {
  const group: RowGroup = {
    rows: rows.filter((other) => other.row.sparsity === row.sparsity)
      .map((other) => seeded(other.row)),
    main: experiment.mainMethod,
    noises: noisesOf(experiment),
  };
  const [first, ...others] = latencies;
  return {
    method: row.method,
    sparsity: row.sparsity,
    macs: row.macs,
    macsSpeedup: denseMacs / row.macs,
    targetMs: row.targetMs,
    latencyMs: first.row.median / first.batch,
    speedup: speedupOf(first),
    ...speedupRange(first),
    searchPasses: row.searchPasses,
    searchPictures: row.searchPictures,
    metrics: {
      ...metricValues(seeded(row), group),
      ...row.predictedSpeedup !== undefined && {
        "predicted speedup": { mean: row.predictedSpeedup },
      },
      ...Object.fromEntries(others.map((latency) => [
        `speedup_b${latency.batch}`,
        { mean: speedupOf(latency) },
      ])),
    },
  };
}

const speedupOf = ({ full, row }: RowLatency) => full.median / row.median;

/** The least and the largest speedup of a round. */
function speedupRange(
  { full, row }: RowLatency,
): { speedupLow: number; speedupHigh: number } {
  const rounds = full.times.map((time, i) => time / row.times[i]);
  return {
    speedupLow: Math.min(...rounds),
    speedupHigh: Math.max(...rounds),
  };
}
