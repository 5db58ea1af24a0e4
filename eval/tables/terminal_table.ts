/** A table for a terminal: aligned columns, a thin rule between groups. */

import { alignedCells, displayWidth } from "./aligned_lines.ts";
import type { Table } from "./table.ts";

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
  const cells = groups.flat().map((row) =>
    row.map(({ text, best }) => bold && best ? `\x1b[1m${text}\x1b[22m` : text)
  );
  const aligned = alignedCells(
    [columns.map(({ header }) => header), ...cells],
    {
      isLeft: (column) => columns[column].align === "left",
    },
  );
  const width = displayWidth(aligned[0].join("  "));
  const [header, ...lines] = aligned.map((row) => row.join("  ").trimEnd());
  const body = groups.map(({ length }) => lines.splice(0, length).join("\n"));
  return [
    header,
    "━".repeat(width),
    body.join(`\n${"─".repeat(width)}\n`),
    "━".repeat(width),
    ...notes,
  ].join("\n");
}
