/** Joins one or several runs into the data of one page. */
import {
  type JoinedRow,
  joinResults,
  mainMethodOf,
} from "../tables/join_results.ts";
import { metricHeading, metricInfo } from "../tables/metric_info.ts";
import type { Results } from "../tables/results.ts";
import { formatPercent, metricNames, tableOf } from "../tables/table.ts";
import { pairsWithin } from "./picture_budget.ts";
import type { ReportData, ReportRow, ReportRun } from "./report_data.ts";
import type { ReportCurve, RowDetails, RunDetails } from "./run_details.ts";

export interface ReportedRun {
  readonly results: Results;
  /** The details; undefined if a run has only numbers. */
  readonly details?: RunDetails;
}

/** The bytes that the pictures of one page may take; the whole page may take 5 MB. */
export const pictureBytes = 3_800_000;

export type Heading = Pick<ReportData, "title" | "lead">;

/**
 * Makes the page of some runs; they share the page's budget, so the more runs, the fewer pairs each shows.
 *
 * @param heading By default the runs' names, and a single run's description.
 */
export function joinReports(
  runs: readonly ReportedRun[],
  heading: Heading = headingOf(runs),
): ReportData {
  // Joined rows keep the order of the runs: a row's place tells its run even if runs share a name.
  const joined = joinResults(runs.map(({ results }) => results));
  const owners = runs.flatMap(({ results: { rows } }, run) =>
    rows.map(() => run)
  );
  const { columns, groups, rows, notes } = tableOf(joined, {
    everySparsity: true,
  });
  const several = new Set(joined.map(({ experiment }) => experiment)).size > 1;
  const budget = pictureBytes / runs.length;
  const detailed = runs.map(({ details }) => detailsByRow(details, budget));
  const cells = groups.flat();
  return {
    ...heading,
    columns,
    rows: rows.flat().map((row, i) => {
      const run = owners[joined.indexOf(row)];
      return {
        ...reportRow(row, several),
        run,
        cells: cells[i],
        ...row.source === "paper" ? {} : detailed[run].get(keyOf(row)),
      };
    }),
    notes,
    metrics: metricNames(joined).filter(isQuality).map((name) => {
      const info = metricInfo(name);
      return { name, ...info, heading: metricHeading(info) };
    }),
    runs: runs.map((run, i) =>
      reportRun(run, joined[owners.indexOf(i)]?.experiment)
    ),
  };
}

function headingOf(runs: readonly ReportedRun[]): Heading {
  const names = new Set(runs.map(({ results }) => results.experiment));
  const title = [...names].join(", ");
  if (runs.length > 1) {
    return { title, lead: `${runs.length} runs, side by side` };
  }
  return { title, lead: runs[0].details?.description };
}

/** Whether a metric is a quality: a speedup is a cost, and stands on the other axis. */
const isQuality = (metric: string) => metric.split("_")[0] !== "speedup";

const keyOf = ({ method, sparsity }: Pick<RowDetails, "method" | "sparsity">) =>
  JSON.stringify([method, sparsity]);

/** The gates and pictures of a run's rows; as many pairs as fit into `maxBytes`. */
function detailsByRow(
  details: RunDetails | undefined,
  maxBytes: number,
): Map<string, Pick<RowDetails, "gates" | "pictures">> {
  const rows = details?.rows ?? [];
  const pairs = pairsWithin(rows.map(({ pictures }) => pictures ?? []), {
    maxBytes,
  });
  return new Map(rows.map((row) => {
    const pictures = pairs > 0 ? row.pictures?.slice(0, pairs) : undefined;
    return [keyOf(row), { gates: row.gates, pictures }];
  }));
}

function reportRow(
  row: JoinedRow,
  several: boolean,
): Omit<ReportRow, "run" | "cells"> {
  const { method, sparsity, experiment, source, speedup, metrics } = row;
  const paper = source === "paper";
  const own = paper ? `${method} (paper)` : method;
  const series = several ? `${experiment}: ${own}` : own;
  const values = Object.entries(metrics).map(([name, { mean, low, high }]) => [
    name,
    low === undefined || high === undefined ? { mean } : { mean, low, high },
  ]);
  return {
    name: sparsity === 0 ? series : `${series}, ${formatPercent(sparsity)}`,
    method,
    series,
    sparsity,
    paper,
    macsKept: 1 / row.macsSpeedup,
    timeKept: speedup === null ? null : 1 / speedup,
    searchPasses: row.searchPasses ?? null,
    metrics: Object.fromEntries(values),
  };
}

function reportRun(
  { results, details }: ReportedRun,
  name = results.experiment,
): ReportRun {
  const { notes = [], units = [], subjects = [], curves = [], experiment } =
    details ?? {};
  return {
    name,
    facts: factsOf(results, details),
    notes,
    units,
    subjects,
    curves: curves.map(finitePoints).filter(({ points }) => points.length > 0),
    mainMethod: mainMethodOf(results),
    command: results.command,
    experiment,
  };
}

/** A curve without the points that a chart cannot show, such as those of a search that diverged. */
const finitePoints = ({ name, points }: ReportCurve): ReportCurve => ({
  name,
  points: points.filter(([, value]) => Number.isFinite(value)),
});

function factsOf(
  { model, sampler, samples, seed, precision, hardware, date, commit }: Results,
  details?: RunDetails,
): [string, string][] {
  const { name, steps, guidanceScale } = sampler;
  const guidance = guidanceScale === undefined
    ? ""
    : `, guidance ${guidanceScale}`;
  const facts: [string, string | number | undefined][] = [
    ["Model", model],
    ["Sampler", `${name}, ${steps} steps${guidance}`],
    ["Samples", samples],
    ["Evaluation seed", seed],
    ["Precision", precision],
    ["Hardware", hardware],
    ["Device", details?.device],
    ["Date", date],
    ["Commit", commit],
  ];
  return facts.flatMap(([label, value]) =>
    value === undefined ? [] : [[label, String(value)]]
  );
}
