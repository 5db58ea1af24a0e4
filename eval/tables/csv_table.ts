/** Results for spreadsheets and scripts: comma-separated, full precision (RFC 4180, with "\n"). */

import { csvFormatRows } from "d3";
import type { JoinedRow } from "./join_results.ts";
import type { MetricValue } from "./results.ts";
import { metricNames } from "./table.ts";

/**
 * Formats one line for each row under a header, with a final newline. A metric `m`
 * fills `m`, `m_low`, `m_high`, `m_n`, `m_median`, `m_worst_tenth`, `m_geometric` and,
 * for its paired difference, `m_versus`, `m_difference`, `m_difference_low` and
 * `m_difference_high`; columns without any value are left out.
 */
export function csvTable(rows: readonly JoinedRow[]): string {
  const records = rows.map(flatRecord);
  const order = [
    ...fixedColumns,
    ...metricNames(rows).flatMap((name) =>
      Object.keys(metricCells).map((part) => name + part)
    ),
  ];
  const header = order.filter((name) =>
    records.some((record) => (record[name] ?? null) !== null)
  );
  const lines = records.map((record) => header.map((name) => record[name]));
  return csvFormatRows([header, ...lines]) + "\n";
}

type Value = string | number | null | undefined;

const fixedColumns = [
  ...["experiment", "model", "sampler", "method", "sparsity"] as const,
  ...["macs", "macsSpeedup", "targetMs", "latencyMs", "speedup"] as const,
  ...["speedupLow", "speedupHigh", "searchPasses", "searchPictures"] as const,
  "source",
] as const satisfies readonly (keyof JoinedRow)[];

/** A metric's columns by their endings, and the value of each. */
const metricCells: Readonly<Record<string, (value: MetricValue) => Value>> = {
  "": ({ mean }) => mean,
  _low: ({ low }) => low,
  _high: ({ high }) => high,
  _n: ({ n }) => n,
  _median: ({ median }) => median,
  _worst_tenth: ({ worstTenth }) => worstTenth,
  _geometric: ({ geometric }) => geometric?.mean,
  _versus: ({ versus }) => versus?.method,
  _difference: ({ versus }) => versus?.difference,
  _difference_low: ({ versus }) => versus?.low,
  _difference_high: ({ versus }) => versus?.high,
};

function flatRecord({ metrics, ...row }: JoinedRow): Record<string, Value> {
  const cells = Object.entries(metrics).flatMap(([name, value]) =>
    Object.entries(metricCells).map(([part, of]) => [name + part, of(value)])
  );
  return { ...row, ...Object.fromEntries(cells) };
}
