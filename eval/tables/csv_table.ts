/** Results for spreadsheets and scripts: comma-separated, full precision (RFC 4180, with "\n"). */

import type { JoinedRow } from "./join_results.ts";
import { metricNames } from "./table.ts";

/**
 * One line a row under a header, with a final newline. A metric `m` fills
 * `m`, `m_low`, `m_high`, `m_n` and, for its paired difference, `m_versus`,
 * `m_difference`, `m_difference_low` and `m_difference_high`; columns without any value are left
 * out.
 */
export function csvTable(rows: readonly JoinedRow[]): string {
  const records = rows.map(flatRecord);
  const order = [
    ...fixedColumns,
    ...metricNames(rows).flatMap((name) => metricColumns(name)),
  ];
  const header = order.filter((name) =>
    records.some((record) => (record[name] ?? null) !== null)
  );
  const lines = records.map((record) => header.map((name) => record[name]));
  return [header, ...lines]
    .map((line) => line.map(quoted).join(",") + "\n").join("");
}

type Value = string | number | null | undefined;

const fixedColumns = [
  "experiment",
  "model",
  "sampler",
  "method",
  "sparsity",
  "macs",
  "macsSpeedup",
  "latencyMs",
  "speedup",
  "speedupLow",
  "speedupHigh",
  "searchPasses",
  "source",
] as const satisfies readonly (keyof JoinedRow)[];

function metricColumns(name: string): string[] {
  return [
    name,
    `${name}_low`,
    `${name}_high`,
    `${name}_n`,
    `${name}_versus`,
    `${name}_difference`,
    `${name}_difference_low`,
    `${name}_difference_high`,
  ];
}

function flatRecord({ metrics, ...row }: JoinedRow): Record<string, Value> {
  const flat: Record<string, Value> = { ...row };
  for (
    const [name, { mean, low, high, n, versus }] of Object.entries(metrics)
  ) {
    const values = [
      mean,
      low,
      high,
      n,
      versus?.method,
      versus?.difference,
      versus?.low,
      versus?.high,
    ];
    metricColumns(name).forEach((column, i) => flat[column] = values[i]);
  }
  return flat;
}

function quoted(value: Value): string {
  const text = `${value ?? ""}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
