/// <reference lib="dom" />
/** The table of results: any column sorts it, and a click or key chooses a row. */
import type { Cell } from "../../tables/table.ts";
import type { ReportData, ReportRow } from "../report_data.ts";
import { html, section } from "./elements.ts";
import type { Selection } from "./selection.ts";

type Direction = "ascending" | "descending";

const markWords: Readonly<Record<string, string>> = {
  "▲": "significantly higher",
  "▼": "significantly lower",
  "≈": "not told apart",
};

/** The section with the table and the meanings of its marks. */
export function resultsTable(
  data: ReportData,
  selection: Selection,
): HTMLElement {
  const { columns, rows, notes } = data;
  const methodColumn = columns.findIndex(({ header }) => header === "Method");
  const lines = rows.map((row, i) => lineOf(data, row, { i, methodColumn }));
  lines.forEach((line, i) =>
    line.addEventListener("click", () => selection.select({ row: i }))
  );
  const body = html("tbody", {}, ...lines);
  const headers = columns.map(({ header, align }) => {
    const button = html("button", { type: "button" }, header);
    return html("th", { scope: "col", class: align }, button);
  });
  headers.forEach((th, column) =>
    th.firstElementChild!.addEventListener("click", () => {
      const direction = next(th.getAttribute("aria-sort"));
      headers.forEach((other) => other.removeAttribute("aria-sort"));
      if (direction) th.setAttribute("aria-sort", direction);
      body.classList.toggle("sorted", direction !== undefined);
      body.append(...order(rows, column, direction).map((i) => lines[i]));
    })
  );
  selection.listen(({ row }) =>
    lines.forEach((line, i) => {
      if (i === row) line.setAttribute("aria-current", "true");
      else line.removeAttribute("aria-current");
    })
  );
  const table = html(
    "table",
    { class: "results" },
    html("caption", { class: "unseen" }, `Results of ${data.title}`),
    html("thead", {}, html("tr", {}, ...headers)),
    body,
  );
  return section(
    "Results",
    html("div", { class: "scroll", tabindex: 0, role: "group" }, table),
    html("ul", { class: "notes" }, ...notes.map((n) => html("li", {}, n))),
  );
}

/** The next direction: ascending, then descending, then none, which is the order of the report. */
function next(direction: string | null): Direction | undefined {
  if (direction === null) return "ascending";
  return direction === "ascending" ? "descending" : undefined;
}

/** The indices of the rows in order; cells without a value come last, ties keep their order. */
export function order(
  rows: readonly ReportRow[],
  column: number,
  direction?: Direction,
): number[] {
  const indices = rows.map((_, i) => i);
  if (!direction) return indices;
  const sign = direction === "ascending" ? 1 : -1;
  const numeric = rows.some((row) => row.cells[column].value !== undefined);
  return indices.sort((a, b) => {
    const [x, y] = [a, b].map((i) => rows[i].cells[column]);
    if (!numeric) return sign * x.text.localeCompare(y.text);
    if (x.value === undefined || y.value === undefined) {
      return Number(x.value === undefined) - Number(y.value === undefined);
    }
    return sign * (x.value - y.value);
  });
}

function lineOf(
  { columns, rows }: ReportData,
  row: ReportRow,
  { i, methodColumn }: { i: number; methodColumn: number },
): HTMLTableRowElement {
  const opensGroup = i > 0 &&
    rows[i - 1].cells[0].text !== row.cells[0].text;
  const cells = row.cells.map((cell, column) => {
    const { align } = columns[column];
    if (column !== methodColumn) {
      const marked = rows.some(({ cells }) => cells[column].metric?.mark);
      return html("td", { class: align }, ...contentOf(cell, marked));
    }
    const badge = html("span", { class: "badge" }, "paper");
    const button = html("button", { type: "button" }, row.method);
    const content = row.paper ? [button, badge] : [button];
    return html("th", { scope: "row", class: align }, ...content);
  });
  const names = [row.paper ? "paper" : "", opensGroup ? "opens-group" : ""];
  return html("tr", { class: names.join(" ").trim() || undefined }, ...cells);
}

/** A cell's content; in a column with marks, a cell without one keeps the mark's place free. */
function contentOf(
  { text, best, metric }: Cell,
  marked: boolean,
): (Node | string)[] {
  if (!metric) return [text];
  const mean = html(best ? "strong" : "span", {}, metric.mean);
  const interval = html("span", { class: "interval" }, metric.interval ?? "");
  const mark = marked ? [" ", markOf(metric.mark)] : [];
  return [mean, " ", interval, ...mark];
}

function markOf(mark: string | undefined): HTMLElement {
  if (mark === undefined) return html("span", { class: "mark" });
  return html("span", {
    class: "mark",
    "data-mark": mark,
    role: "img",
    "aria-label": markWords[mark],
    title: markWords[mark],
  }, mark);
}
