/** Files of results, and their tables for terminals, Markdown, spreadsheets and scripts. */
export { alignedLines, columnLines, type LineColumn } from "./aligned_lines.ts";
export { joinResults, mainMethodOf } from "./join_results.ts";
export { markdownTable } from "./markdown_table.ts";
export { metricHeading, metricInfo } from "./metric_info.ts";
export { renderTable } from "./render_table.ts";
export {
  type Difference,
  type MetricValue,
  readResults,
  type ResultRow,
  type Results,
  writeResults,
} from "./results.ts";
export { formatMacs, formatPercent, type Table, tableOf } from "./table.ts";
