/// <reference lib="dom" />
/** The page of a report: reads its data from the document and builds every part. Bundled into `page.bundle.js` by `deno task report:bundle`. */
import type { ReportData } from "../report_data.ts";
import { costCharts } from "./cost_charts.ts";
import { html, themeToggle } from "./elements.ts";
import { gateMap } from "./gate_map.ts";
import { pictureGrid } from "./pictures.ts";
import { rerun } from "./rerun.ts";
import { resultsTable } from "./results_table.ts";
import { searchCurves } from "./search_curves.ts";
import { selectedRow } from "./selected_row.ts";
import { Selection } from "./selection.ts";

function dataOf(id: string): ReportData {
  return JSON.parse(document.getElementById(id)!.textContent!);
}

function header({ title, lead, runs }: ReportData): HTMLElement {
  const meta = runs.length === 1 ? runs[0].facts.slice(0, 3) : [];
  return html(
    "header",
    {},
    html(
      "div",
      {},
      html("h1", {}, title),
      ...lead ? [html("p", { class: "lead" }, lead)] : [],
      html(
        "p",
        { class: "meta" },
        meta.map(([label, value]) => `${label} ${value}`).join(" · "),
      ),
    ),
    themeToggle(),
  );
}

/** The row that is selected first: the main method's last row with pictures, else its last row, else the last of all. */
function firstRow({ rows, runs }: ReportData): number {
  const main = [...rows.keys()].filter((i) =>
    !rows[i].paper && rows[i].method === runs[rows[i].run].mainMethod
  );
  return main.findLast((i) => rows[i].pictures) ?? main.at(-1) ??
    rows.length - 1;
}

const data = dataOf("report-data");
const selection = new Selection(
  { row: firstRow(data), pair: 0 },
  (row) => data.rows[row].pictures?.length ?? 0,
);
document.body.prepend(
  header(data),
  html(
    "main",
    {},
    ...costCharts(data, selection),
    selectedRow(data, selection),
    resultsTable(data, selection),
    ...gateMap(data, selection),
    ...pictureGrid(data, selection),
    ...searchCurves(data),
    rerun(data),
  ),
);
