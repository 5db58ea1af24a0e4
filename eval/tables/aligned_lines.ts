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
