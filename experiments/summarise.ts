/** From values a pair to a run's `results.json`: means, intervals, paired differences, speedups. */
import { meanInterval, pairedDifference } from "../eval/bootstrap.ts";
import type { MetricValue, ResultRow, Results } from "../eval/results.ts";
import type { Experiment } from "./experiment.ts";
import type { FinishedRow, MeasuredRow } from "./measured_row.ts";
import type { Provenance } from "./provenance.ts";

/** What the results are made from. */
export interface Measurements {
  readonly experiment: Experiment;
  /** Name of the sampler, which the experiment may leave to the model. */
  readonly sampler: string;
  /** MACs of one image with the full model. */
  readonly denseMacs: number;
  readonly rows: readonly FinishedRow[];
  readonly provenance: Provenance;
}

/** The results of a run: the full model, then every row. */
export function summarise(
  { experiment, sampler, denseMacs, rows, provenance }: Measurements,
): Results {
  const { steps, guidanceScale } = experiment.sampler;
  const commits = new Set(rows.flatMap(({ row }) => row.commit ?? []));
  return {
    experiment: experiment.name,
    model: experiment.model,
    sampler: { name: sampler, steps, guidanceScale },
    rows: [
      fullRow(denseMacs, rows),
      ...rows.map((each) => resultRow(each, { experiment, denseMacs, rows })),
    ],
    seed: experiment.evaluation.seed,
    samples: experiment.evaluation.pairs,
    ...provenance,
    ...commits.size > 0 ? { commit: [...commits].join(", ") } : {},
  };
}

/** The full model; its time is the median over the rows it took turns with. */
function fullRow(macs: number, rows: readonly FinishedRow[]): ResultRow {
  const times = rows.map(({ latencies: [{ fullMs, batch }] }) => fullMs / batch)
    .sort((a, b) => a - b);
  return {
    method: "full",
    sparsity: 0,
    macs,
    macsSpeedup: 1,
    latencyMs: times[times.length >> 1] ?? null,
    speedup: times.length > 0 ? 1 : null,
    metrics: {},
  };
}

function resultRow(
  { row, latencies }: FinishedRow,
  { experiment, denseMacs, rows }: Omit<Measurements, "provenance" | "sampler">,
): ResultRow {
  const rival = rows.find(({ row: { method, sparsity } }) =>
    method === experiment.mainMethod && sparsity === row.sparsity &&
    method !== row.method
  )?.row;
  const [first, ...others] = latencies;
  return {
    method: row.method,
    sparsity: row.sparsity,
    macs: row.macs,
    macsSpeedup: denseMacs / row.macs,
    latencyMs: first.rowMs / first.batch,
    speedup: first.fullMs / first.rowMs,
    metrics: {
      psnr: metricValue("psnr", row, rival),
      ssim: metricValue("ssim", row, rival),
      ...Object.fromEntries(others.map(({ batch, fullMs, rowMs }) => [
        `speedup_b${batch}`,
        { mean: fullMs / rowMs },
      ])),
    },
  };
}

function metricValue(
  metric: "psnr" | "ssim",
  row: MeasuredRow,
  rival: MeasuredRow | undefined,
): MetricValue {
  const value = meanInterval(row[metric]);
  if (!rival) return value;
  const { mean: difference, low, high } = pairedDifference(
    row[metric],
    rival[metric],
  );
  return { ...value, versus: { method: rival.method, difference, low, high } };
}
