/** Results as a table that fits the console. */
import { joinResults, renderTable, type Results } from "@dip-go/eval/tables";
import { flag, path } from "./option_table.ts";

/** Columns of a console whose width is unknown. */
const usualWidth = 100;

/** Where runs are kept. */
export const resultsRow = path(
  "<dir>",
  "Folder of all experiments' runs",
  { default: "results" },
);

/** The option that goes with such a table. */
export const intervalsRow = flag(
  "Show the intervals of means and speedups in the table",
);

/** The other one. */
export const quantilesRow = flag(
  "Show beside means the median, and the value that a tenth of the samples falls short of",
);

/** The runs' rows, without columns that the console has no room for. */
export function consoleTable(
  runs: readonly Results[],
  options: { readonly intervals: boolean; readonly quantiles?: boolean },
): string {
  const bold = Deno.stdout.isTerminal();
  const width = bold ? Deno.consoleSize().columns : usualWidth;
  return renderTable(joinResults(runs), "text", { bold, width, ...options });
}
