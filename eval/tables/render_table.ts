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
 * @param options `bold`: emphasise the best in `text` with ANSI codes.
 */
export function renderTable(
  rows: readonly JoinedRow[],
  format: TableFormat,
  { bold = false }: { bold?: boolean } = {},
): string {
  switch (format) {
    case "text":
      return terminalTable(tableOf(rows), { bold }) + "\n";
    case "md":
      return markdownTable(tableOf(rows)) + "\n";
    case "csv":
      return csvTable(rows);
    case "json":
      return JSON.stringify(rows, null, 2) + "\n";
  }
}
