/** Results as a table that fits the console, and the options of such tables. */
import { joinResults, renderTable, type Results } from "@dip-go/eval/tables";
import { flag, path } from "./option_table.ts";

/** The assumed width of a console whose width is unknown, in columns. */
const usualWidth = 100;

/** The option for the folder of runs. */
export const resultsRow = path(
  "<dir>",
  "Folder of all experiments' runs",
  { default: "results" },
);

/** The option to show intervals in {@linkcode consoleTable}. */
export const intervalsRow = flag(
  "Show the intervals of means and speedups in the table",
);

/** The option to show quantiles in {@linkcode consoleTable}. */
export const quantilesRow = flag(
  "Show beside means the median, and the value that a tenth of the samples falls short of",
);

/** The table of the runs' rows, without columns for which the console has no room. */
export function consoleTable(
  runs: readonly Results[],
  options: { readonly intervals: boolean; readonly quantiles?: boolean },
): string {
  const bold = Deno.stdout.isTerminal();
  const width = bold ? Deno.consoleSize().columns : usualWidth;
  return renderTable(joinResults(runs), "text", { bold, width, ...options });
}
