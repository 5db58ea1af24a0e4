/** Text in aligned columns: for terminals, logs and Markdown's source. */

/** Pads cells with blanks to their columns' widths; left columns are flush left, the others right. */
export function alignedCells(
  rows: readonly (readonly string[])[],
  { isLeft, least = 0 }: {
    readonly isLeft: (column: number) => boolean;
    /** The least width of a column. */
    readonly least?: number;
  },
): string[][] {
  const widths = rows[0].map((_, column) =>
    Math.max(least, ...rows.map((row) => displayWidth(row[column])))
  );
  return rows.map((row) =>
    row.map((cell, column) => {
      const blanks = " ".repeat(widths[column] - displayWidth(cell));
      return isLeft(column) ? cell + blanks : blanks + cell;
    })
  );
}

/** Formats rows of text as aligned lines: the first `left` columns flush left, the others right. */
export const alignedLines = (
  rows: readonly (readonly string[])[],
  { left }: { readonly left: number },
): string[] =>
  alignedCells(rows, { isLeft: (column) => column < left })
    .map((cells) => cells.join("  ").trimEnd());

/** A column: its header, and the function that gives its text for a row. */
export type LineColumn<Row> = readonly [
  header: string,
  textOf: (row: Row) => string,
];

/** Formats a line of headers and a line for each row; the first `left` columns (1 by default) are flush left. */
export const columnLines = <Row>(
  rows: readonly Row[],
  columns: readonly LineColumn<Row>[],
  { left = 1 }: { readonly left?: number } = {},
): string[] =>
  alignedLines([
    columns.map(([header]) => header),
    ...rows.map((row) => columns.map(([, textOf]) => textOf(row))),
  ], { left });

/**
 * The terminal columns that a text takes: two for East Asian wide characters and
 * emoji, none for combining marks and ANSI codes, one for all others.
 */
export function displayWidth(text: string): number {
  // deno-lint-ignore no-control-regex
  const shown = text.replace(/\x1b\[\d+m/g, "");
  let width = 0;
  for (const { segment } of new Intl.Segmenter().segment(shown)) {
    width +=
      /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u
          .test(segment)
        ? 2
        : 1;
  }
  return width;
}
