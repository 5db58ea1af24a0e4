/** Renders a table of results in any of its formats. */

import { csvTable } from "./csv_table.ts";
import type { JoinedRow } from "./join_results.ts";
import { markdownTable } from "./markdown_table.ts";
import { tableOf } from "./table.ts";
import { terminalTable } from "./terminal_table.ts";

/** The format of a table; `text` is for terminals. */
export type TableFormat = "text" | "md" | "csv" | "json";

/**
 * Renders rows in one format, ending in a newline. `csv` and `json` keep full
 * precision and the order of the rows; `text` and `md` are grouped by sparsity.
 *
 * @param options For `text`. `bold`: emphasises the best cells with ANSI codes.
 * `intervals`: whether means and speedups have any, true by default. `quantiles`:
 * adds a median and a tenth's bound, in `md` too. `width`: the console's, to fit.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { joinResults, renderTable, type Results } from "@dip-go/eval";
 *
 * const results: Results = {
 *   experiment: "toy",
 *   model: "zoo/models/sd-shapes",
 *   sampler: { name: "ddim", steps: 20 },
 *   rows: [{
 *     ...{ method: "gates", sparsity: 0.5, macs: 1e9, macsSpeedup: 2 },
 *     ...{ latencyMs: null, speedup: null, metrics: { psnr: { mean: 30 } } },
 *   }],
 * };
 * assertEquals(
 *   renderTable(joinResults([results]), "md"),
 *   `| Sparsity | Method |   MACs | MACs speedup | PSNR (dB) ↑ |
 * | -------: | :----- | -----: | -----------: | ----------: |
 * |     50 % | gates  | 1.00 G |        2.00× |       30.00 |
 * `,
 * );
 * ```
 */
export function renderTable(
  rows: readonly JoinedRow[],
  format: TableFormat,
  { bold, intervals, quantiles, width }: {
    bold?: boolean;
    intervals?: boolean;
    quantiles?: boolean;
    width?: number;
  } = {},
): string {
  switch (format) {
    case "text":
      return terminalTable(tableOf(rows, { intervals, quantiles }), {
        bold,
        width,
      }) + "\n";
    case "md":
      return markdownTable(tableOf(rows, { quantiles })) + "\n";
    case "csv":
      return csvTable(rows);
    case "json":
      return JSON.stringify(rows, null, 2) + "\n";
  }
}
