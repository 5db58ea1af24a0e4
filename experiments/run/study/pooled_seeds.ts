/** Pools searches that differ in their seeds alone: means over seeds and samples, with two-level intervals. */
import type { ResultRow } from "@dip-go/eval/tables";
import { sortedJson } from "../../engine/step.ts";
import {
  meanOf,
  metricValues,
  type RowGroup,
  seeded,
} from "../../results/metric_values.ts";
import { noisesOf } from "../../results/summarise.ts";
import type { Section } from "../../schema/study.ts";
import type { ExperimentRun } from "../runner.ts";
import type { SectionResults } from "./joined_study.ts";

/** A section and its finished run. */
export interface FinishedSection {
  readonly section: Section;
  readonly run: ExperimentRun;
}

/** A key that is the same for all seeds of a search. */
function withoutSeed({ section: { experiment } }: FinishedSection): string {
  const { name: _, description: __, seed: ___, ...values } = experiment;
  return sortedJson(values);
}

/** The mean of a cost over the seeds; null if a seed has none. */
function meanCost(
  rows: readonly ResultRow[],
  name: "macs" | "macsSpeedup" | "latencyMs" | "speedup",
): number | null {
  const values = rows.flatMap((row) => row[name] ?? []);
  return values.length === rows.length ? meanOf(values) : null;
}

type Aimed = Pick<ResultRow, "method" | "sparsity" | "targetMs">;

/** The rows of a method and target, one from each seed's run; undefined if a run has none. */
function inAll<Row extends Aimed>(
  lists: readonly (readonly Row[])[],
  { method, sparsity, targetMs = NaN }: Aimed,
): Row[] | undefined {
  const found = lists.flatMap((rows) =>
    rows.find((row) =>
      row.method === method &&
      (row.sparsity === sparsity || row.targetMs === targetMs)
    ) ?? []
  );
  return found.length === lists.length ? found : undefined;
}

function pooledRows(sections: readonly FinishedSection[]): ResultRow[] {
  const [{ section: { experiment }, run }] = sections;
  const seeds = sections.map(({ section }) => section.experiment.seed);
  const measured = sections.map(({ run }) => run.measured);
  const results = sections.map(({ run }) => run.results.rows);
  const pooled = run.measured.flatMap((row) => {
    const rows = inAll(measured, row);
    return rows
      ? [{ row: seeded(...rows), results: inAll(results, row)! }]
      : [];
  });
  return pooled.map(({ row, results }) => {
    const [{ sparsity, targetMs, searchPasses, searchPictures }] = results;
    const group: RowGroup = {
      rows: pooled.filter((each) => each.results[0].sparsity === sparsity)
        .map((each) => each.row),
      main: experiment.mainMethod,
      noises: noisesOf(experiment),
    };
    return {
      method: row.method,
      sparsity,
      macs: meanCost(results, "macs")!,
      macsSpeedup: meanCost(results, "macsSpeedup")!,
      targetMs,
      latencyMs: meanCost(results, "latencyMs"),
      speedup: meanCost(results, "speedup"),
      searchPasses,
      searchPictures,
      seeds,
      metrics: metricValues(row, group),
    };
  });
}

/** A section for each group of sections that differ in their seeds alone; a single seed makes none. */
export const pooledSections = (
  sections: readonly FinishedSection[],
): SectionResults[] =>
  [...Map.groupBy(sections, withoutSeed).values()]
    .filter((group) => group.length > 1)
    .map((group) => {
      const [{ section: { label, experiment, promptSet }, run }] = group;
      const seeds = group.map(({ section }) => section.experiment.seed);
      return {
        label: label.replace(
          `seed ${experiment.seed}`,
          `seeds ${seeds.join(", ")}`,
        ),
        promptSet,
        results: { ...run.results, rows: pooledRows(group) },
      };
    });
