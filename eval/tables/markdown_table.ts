/** A table in GitHub-flavoured Markdown, aligned in its source too. */

import type { Cell, Table } from "./table.ts";
import { aligned, displayWidth } from "./terminal_table.ts";

/** Renders a table with its notes below, without a final newline. The best cells are bold. */
export function markdownTable({ columns, groups, notes }: Table): string {
  const header = columns.map((column) => escaped(column.header));
  const rows = groups.flat().map((row) => row.map(markdownCell));
  const widths = columns.map((_, i) =>
    Math.max(3, ...[header, ...rows].map((row) => displayWidth(row[i])))
  );
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  const padded = (row: string[]) =>
    row.map((text, i) => aligned(text, columns[i].align, { width: widths[i] }));
  const rule = columns.map(({ align }, i) => {
    const dashes = "-".repeat(widths[i] - 1);
    return align === "left" ? `:${dashes}` : `${dashes}:`;
  });
  const lines = [padded(header), rule, ...rows.map(padded)].map(line);
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
