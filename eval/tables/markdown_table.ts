/** A table in GitHub-flavoured Markdown, aligned in its source too. */

import { alignedCells, displayWidth } from "./aligned_lines.ts";
import type { Cell, Table } from "./table.ts";

/** Renders a table with its notes below, without a final newline. The best cells are bold. */
export function markdownTable({ columns, groups, notes }: Table): string {
  const isLeft = (column: number) => columns[column].align === "left";
  const [header, ...rows] = alignedCells([
    columns.map(({ header }) => escaped(header)),
    ...groups.flat().map((row) => row.map(markdownCell)),
  ], { isLeft, least: 3 });
  const rule = header.map((cell, column) => {
    const dashes = "-".repeat(displayWidth(cell) - 1);
    return isLeft(column) ? `:${dashes}` : `${dashes}:`;
  });
  const lines = [header, rule, ...rows].map((row) => `| ${row.join(" | ")} |`);
  return [lines.join("\n"), ...notes.map(escaped)].join("\n\n");
}

function markdownCell({ text, best }: Cell): string {
  const content = escaped(text.trim());
  return best ? `**${content}**` : content;
}

/** Escapes characters that would end a cell or open an element. */
function escaped(text: string): string {
  return text.replace(/[|*_<\\]/g, "\\$&");
}
