/** One door to every form a table of results can take. */

import { csvTable } from "./csv_table.ts";
import type { JoinedRow } from "./join_results.ts";
import { markdownTable } from "./markdown_table.ts";
import { tableOf } from "./table.ts";
import { terminalTable } from "./terminal_table.ts";

/** `text` is for terminals. */
export type TableFormat = "text" | "md" | "csv" | "json";

/**
 * Renders rows in one format, ending in a newline. `csv` and `json` keep full
 * precision and the order of the rows; `text` and `md` are grouped by sparsity.
 *
 * @param options Of `text`. `bold`: emphasise the best with ANSI codes.
 * `intervals`: means and speedups stand with theirs, unless told otherwise.
 * `quantiles`: means stand with a median and a tenth's bound, in `md` too. `width`: of the console, which the table is made to fit.
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
