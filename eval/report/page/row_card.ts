/// <reference lib="dom" />
/** A row in words: its name, then every column in which it has a value. */
import type { ReportData } from "../report_data.ts";
import { html } from "./elements.ts";

/** The columns whose content is in the name. */
const inName = new Set(["Sparsity", "Method", "Experiment"]);

export function rowCard(
  { columns, rows }: ReportData,
  row: number,
): HTMLElement {
  const { name, cells } = rows[row];
  const facts = columns.flatMap(({ header }, i) => {
    if (inName.has(header) || cells[i].text.trim() === "–") return [];
    const value = html("dd", {}, cells[i].text.trim());
    return [html("div", {}, html("dt", {}, header), value)];
  });
  return html(
    "div",
    { class: "card" },
    html("strong", {}, name),
    html("dl", {}, ...facts),
  );
}
