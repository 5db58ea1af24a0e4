/**
 * Results as a table that people read: one group of rows for each sparsity, costs on
 * the left, metrics with their intervals on the right, the best of a group
 * emphasised and significant paired differences marked.
 */

import { format } from "d3";
import type { JoinedRow } from "./join_results.ts";
import { hasInterval, type Mark, shownMean, TableMarks } from "./marks.ts";
import { metricHeading, metricInfo } from "./metric_info.ts";
import type { Difference, MetricValue } from "./results.ts";

/** A table of text, ready to be laid out. */
export interface Table {
  columns: Column[];
  /** One group for each sparsity, ascending. */
  groups: Cell[][][];
  /** The rows that the groups show, in the same order. */
  rows: JoinedRow[][];
  /** The meanings of the marks, a sentence each. */
  notes: string[];
}

/** A column's header, and the side with which its cells are flush. */
export interface Column {
  header: string;
  align: "left" | "right";
  /** The rank in which columns are left out of a table that is too wide; columns without a rank stay. */
  dispensable?: number;
}

/** A cell; `best` if its metric is the best of several in its group, or not told apart from the best. */
export interface Cell {
  text: string;
  best?: boolean;
  /** The sort key; the text by default. */
  value?: number;
  /** The parts of a metric's text. */
  metric?: MetricText;
}

/** A metric's texts: mean, interval, and the mark of the paired difference. */
export interface MetricText {
  mean: string;
  interval?: string;
  mark?: Mark;
}

/** A column, and the function that fills it for a row of a sparsity group. */
interface ColumnRule extends Column {
  cell: (row: JoinedRow, group: readonly JoinedRow[]) => Cell;
}

/**
 * Lays results out. Groups ascend in sparsity; inside a group rows stand in the
 * order in which their experiment, then their method first appears in `rows`.
 * Columns without any value are left out, the experiment if there is only one.
 *
 * @param options `everySparsity`: the sparsity stands in every row, not only in
 * the first of its group; for tables whose rows move. `intervals`: whether means
 * and speedups have intervals; true by default. `quantiles`: means have the median
 * and the value than which a tenth of the samples is worse.
 */
export function tableOf(
  rows: readonly JoinedRow[],
  { everySparsity = false, intervals = true, quantiles = false }: TableOptions =
    {},
): Table {
  const columns = columnRules(rows, { intervals, quantiles });
  const grouped = sparsityGroups(rows);
  return {
    columns: columns.map(({ cell: _, ...column }) => column),
    groups: grouped.map((group) =>
      group.map((row, i) => {
        const [sparsity, ...others] = columns.map(({ cell }) =>
          cell(row, group)
        );
        const shown = i === 0 || everySparsity;
        return [shown ? sparsity : { ...sparsity, text: "" }, ...others];
      })
    ),
    rows: grouped,
    notes: notesOf(rows, { intervals, quantiles }),
  };
}

export interface TableOptions {
  everySparsity?: boolean;
  intervals?: boolean;
  quantiles?: boolean;
}

/** Whether intervals and quantiles stand beside a mean. */
type Beside = Required<Pick<TableOptions, "intervals" | "quantiles">>;

/** The names of all metrics of the rows, in order of appearance. */
export function metricNames(rows: readonly JoinedRow[]): string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row.metrics)))];
}

/** Formats MACs with three significant digits and a unit, such as "402 G" or "16.9 T". */
export function formatMacs(macs: number): string {
  const [, digits, unit] = /^([\d.-]+)(.*)$/.exec(format(".3s")(macs))!;
  return `${digits} ${unit}`.trimEnd();
}

/** Formats a fraction as per cent, with one decimal unless the decimal is 0. */
export function formatPercent(fraction: number): string {
  return `${Number((100 * fraction).toFixed(1))} %`;
}

function columnRules(
  rows: readonly JoinedRow[],
  beside: Beside,
): ColumnRule[] {
  const marks = new TableMarks(rows);
  const experiments = new Set(rows.map(({ experiment }) => experiment));
  const measured = (...column: Parameters<typeof numbers>) => {
    const rule = numbers(...column);
    return rows.some((row) => rule.cell(row, rows).value !== undefined)
      ? [rule]
      : [];
  };
  return [
    numbers("Sparsity", ({ sparsity }) => sparsity, formatPercent),
    ...experiments.size > 1
      ? [texts("Experiment", ({ experiment }) => experiment)]
      : [],
    texts(
      "Method",
      ({ method, source }) => method + (source === "paper" ? " †" : ""),
    ),
    numbers("MACs", ({ macs }) => macs, formatMacs, 1),
    numbers("MACs speedup", ({ macsSpeedup }) => macsSpeedup, times),
    ...measured("Target (ms)", ({ targetMs }) => targetMs, milliseconds, 2),
    ...measured("Latency (ms)", ({ latencyMs }) => latencyMs, milliseconds, 2),
    ...measured(
      "Speedup",
      ({ speedup }) => speedup,
      (speedup, row) =>
        times(speedup) + (beside.intervals ? speedupRange(row) : ""),
    ),
    ...metricNames(rows).map((name) =>
      metricColumn(name, { rows, marks, ...beside })
    ),
    ...measured(
      "Search (passes)",
      ({ searchPasses }) => searchPasses,
      whole,
      0,
    ),
    ...measured("(pictures)", ({ searchPictures }) => searchPictures, whole, 0),
  ];
}

/** A column of numbers, with a dash for a row that has none. */
const numbers = (
  header: string,
  valueOf: (row: JoinedRow) => number | null | undefined,
  textOf: (value: number, row: JoinedRow) => string,
  dispensable?: number,
): ColumnRule => ({
  header,
  align: "right",
  dispensable,
  cell(row) {
    const value = valueOf(row) ?? undefined;
    return value === undefined
      ? { text: "–" }
      : { text: textOf(value, row), value };
  },
});

const whole = (count: number) => count.toFixed(0);

const milliseconds = (ms: number) => ms.toFixed(Math.abs(ms) < 100 ? 1 : 0);

const times = (factor: number) => `${factor.toFixed(2)}×`;

const speedupRange = ({ speedupLow: low, speedupHigh: high }: JoinedRow) =>
  low === undefined || high === undefined
    ? ""
    : ` (${low.toFixed(2)}–${high.toFixed(2)})`;

const texts = (
  header: string,
  textOf: (row: JoinedRow) => string,
): ColumnRule => ({
  header,
  align: "left",
  cell: (row) => ({ text: textOf(row) }),
});

function metricColumn(
  name: string,
  { rows, marks, intervals, quantiles }: Beside & {
    readonly rows: readonly JoinedRow[];
    readonly marks: TableMarks;
  },
): ColumnRule {
  const info = metricInfo(name);
  const { higherIsBetter, digits } = info;
  const marked = rows.some(({ metrics }) =>
    metrics[name] && marks.markOf(metrics[name])
  );
  return {
    header: metricHeading(info),
    align: "right",
    cell: (row, group) => {
      const value = row.metrics[name];
      if (value === undefined) return { text: "–" };
      const { mean } = shownMean(value);
      const metric = {
        mean: mean.toFixed(digits),
        interval: intervalText(value, digits),
        mark: marks.markOf(value),
      };
      const parts = [
        metric.mean,
        intervals && metric.interval,
        quantiles && quantilesText(value, digits),
        marked && (metric.mark ?? " "),
      ];
      return {
        text: parts.filter(Boolean).join(" "),
        value: mean,
        metric,
        best: marks.isBest(name, row, { group, higherIsBetter }),
      };
    },
  };
}

function intervalText(value: MetricValue, digits: number): string | undefined {
  const { low, high } = shownMean(value);
  return hasInterval(value) && low !== undefined && high !== undefined
    ? `[${low.toFixed(digits)}, ${high.toFixed(digits)}]`
    : undefined;
}

const quantilesText = (
  { median, worstTenth }: MetricValue,
  digits: number,
): string | undefined =>
  median !== undefined && worstTenth !== undefined
    ? `(${median.toFixed(digits)}; ${worstTenth.toFixed(digits)})`
    : undefined;

function sparsityGroups(rows: readonly JoinedRow[]): JoinedRow[][] {
  const rank = (key: "experiment" | "method") => {
    const names = [...new Set(rows.map((row) => row[key]))];
    return (row: JoinedRow) => names.indexOf(row[key]);
  };
  const experiment = rank("experiment"), method = rank("method");
  const ordered = rows.toSorted((a, b) =>
    a.sparsity - b.sparsity || experiment(a) - experiment(b) ||
    method(a) - method(b)
  );
  const bySparsity = Map.groupBy(ordered, (row) => formatPercent(row.sparsity));
  return [...bySparsity.values()];
}

function notesOf(
  rows: readonly JoinedRow[],
  { intervals, quantiles }: Beside,
): string[] {
  const values = rows.flatMap((row) => Object.values(row.metrics));
  const notes: string[] = [];
  const bounded = values.some((value) =>
    hasInterval(value) && shownMean(value).low !== undefined
  );
  if (intervals && bounded) {
    notes.push("[low, high]: 95 % interval of the mean.");
  }
  if (values.some(({ geometric }) => geometric)) {
    notes.push("Means of errors are geometric.");
  }
  if (quantiles && values.some(({ median }) => median !== undefined)) {
    notes.push("(median; a tenth of the samples is worse than the second).");
  }
  if (intervals && rows.some(({ speedupLow }) => speedupLow !== undefined)) {
    notes.push("Speedup (low–high): least and largest of the rounds.");
  }
  const searched = rows.filter(({ searchPasses }) =>
    searchPasses !== undefined
  );
  if (searched.length > 0) {
    const counts = searched.map(({ gradientPasses = 3 }) => gradientPasses);
    notes.push(
      `Search: for all budgets, by its settings, in pictures by the full sampler; a gradient counts as ${
        [...new Set(counts)].join(" or ")
      }.`,
    );
  }
  const judged = values.flatMap((value) =>
    value.versus && hasInterval(value) ? [value.versus] : []
  );
  const together = judged.length > 1
    ? `, by Holm's rule over ${judged.length} marks`
    : "";
  notes.push(...new Set(judged.map((each) => meaning(each, together))));
  if (rows.some((row) => row.source === "paper")) {
    notes.push("† number from the paper, not measured here.");
  }
  return notes;
}

function meaning(
  { method, unpaired }: Difference,
  together: string,
): string {
  const how = unpaired
    ? `, each on samples of its own (95 % interval of the difference${together})`
    : ` on the same samples (95 % paired interval${together})`;
  return `▲ ▼ ≈: higher than, lower than, not told apart from ${method}${how}.`;
}
