/** A table for a terminal: aligned columns, a thin rule between groups. */

import { alignedCells, displayWidth } from "./aligned_lines.ts";
import type { Table } from "./table.ts";

/** The number of blanks between columns. */
const between = 2;

const widthOf = ({ columns, groups }: Table): number[] =>
  columns.map(({ header }, i) =>
    Math.max(
      ...[header, ...groups.flat().map((row) => row[i].text)].map(displayWidth),
    )
  );

const total = (widths: readonly number[]): number =>
  widths.reduce((sum, width) => sum + width + between, -between);

/** Fits a table into a width: leaves out dispensable columns, then the middles of the widest left column's texts. */
function fitted(table: Table, width: number): Table {
  const { columns, groups } = table;
  const widths = widthOf(table);
  const excess = total(widths) - width;
  if (excess <= 0) return table;
  const order = columns.map(({ dispensable }) => dispensable ?? Infinity);
  const least = Math.min(...order);
  if (least < Infinity) {
    const at = order.indexOf(least);
    const others = <Item>(items: readonly Item[]) =>
      items.filter((_, i) => i !== at);
    return fitted({
      ...table,
      columns: others(columns),
      groups: groups.map((group) => group.map(others)),
    }, width);
  }
  const left = columns.map(({ align }, i) => align === "left" ? widths[i] : 0);
  const most = Math.max(...left);
  const widest = left.indexOf(most);
  const kept = Math.max(8, most - excess);
  const shorter = (text: string) =>
    displayWidth(text) <= kept
      ? text
      : `${text.slice(0, Math.ceil(kept / 2) - 1)}…${
        text.slice(text.length - Math.floor(kept / 2))
      }`;
  return {
    ...table,
    groups: groups.map((group) =>
      group.map((row) => {
        const cell = row[widest];
        return row.with(widest, { ...cell, text: shorter(cell.text) });
      })
    ),
  };
}

function wrapped(text: string, width: number): string {
  let line = 0;
  return text.split(" ").map((word) => {
    const breaks = line > 0 && line + 1 + word.length > width;
    line = breaks || line === 0 ? word.length : line + 1 + word.length;
    return `${breaks ? "\n" : line === word.length ? "" : " "}${word}`;
  }).join("");
}

/**
 * Lays a table out in monospaced text, without a final newline.
 *
 * @param options `bold`: emphasise the best cells with ANSI codes; for a
 * terminal that understands them. `width`: the terminal's; dispensable columns
 * are left out of a wider table.
 */
export function terminalTable(
  table: Table,
  { bold = false, width: most = Infinity }: { bold?: boolean; width?: number } =
    {},
): string {
  const { columns, groups, notes } = fitted(table, most);
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
    ...notes.map((note) => wrapped(note, most)),
  ].join("\n");
}
