/** A table for a terminal: aligned columns, a thin rule between groups. */

import type { Cell, Column, Table } from "./table.ts";

const gap = "  ";

/**
 * Lays a table out in monospaced text, without a final newline.
 *
 * @param options `bold`: emphasise the best cells with ANSI codes; for a
 * terminal that understands them.
 */
export function terminalTable(
  { columns, groups, notes }: Table,
  { bold = false }: { bold?: boolean } = {},
): string {
  const rows = groups.flat();
  const widths = columns.map(({ header }, i) =>
    Math.max(
      displayWidth(header),
      ...rows.map((row) => displayWidth(row[i].text)),
    )
  );
  const line = (cells: readonly Cell[]) =>
    cells.map(({ text, best }, i) =>
      aligned(text, columns[i].align, { width: widths[i], bold: bold && best })
    ).join(gap).trimEnd();
  const rule = (stroke: string) =>
    widths.map((width) => stroke.repeat(width)).join(stroke.repeat(gap.length));
  const body = groups.map((group) => group.map(line).join("\n"));
  return [
    line(columns.map(({ header }) => ({ text: header }))),
    rule("━"),
    body.join(`\n${rule("─")}\n`),
    rule("━"),
    ...notes,
  ].join("\n");
}

/**
 * Columns a text takes in a terminal: East Asian wide characters and emoji
 * two, combining marks none, all others one.
 */
export function displayWidth(text: string): number {
  let width = 0;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    width +=
      /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u
          .test(segment)
        ? 2
        : 1;
  }
  return width;
}

/** A text filled up with blanks; bold by ANSI codes if told. */
export function aligned(
  text: string,
  align: Column["align"],
  { width, bold }: { width: number; bold?: boolean },
): string {
  const blanks = " ".repeat(width - displayWidth(text));
  const shown = bold ? `\x1b[1m${text}\x1b[22m` : text;
  return align === "left" ? shown + blanks : blanks + shown;
}
