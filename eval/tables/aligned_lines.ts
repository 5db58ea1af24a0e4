/** Text in aligned columns: for terminals and logs. */

/** Rows of text as aligned lines: the first `left` columns flush left, the others right. */
export function alignedLines(
  rows: readonly (readonly string[])[],
  { left }: { readonly left: number },
): string[] {
  const widths = rows[0].map((_, column) =>
    Math.max(...rows.map((row) => row[column].length))
  );
  const aligned = (cell: string, i: number) =>
    i < left ? cell.padEnd(widths[i]) : cell.padStart(widths[i]);
  return rows.map((row) => row.map(aligned).join("  ").trimEnd());
}

/** A column: its header, and its text of a row. */
export type LineColumn<Row> = readonly [
  header: string,
  textOf: (row: Row) => string,
];

/** A line of headers and a line a row, the first `left` columns flush left (1 unless told). */
export const columnLines = <Row>(
  rows: readonly Row[],
  columns: readonly LineColumn<Row>[],
  { left = 1 }: { readonly left?: number } = {},
): string[] =>
  alignedLines([
    columns.map(([header]) => header),
    ...rows.map((row) => columns.map(([, textOf]) => textOf(row))),
  ], { left });
