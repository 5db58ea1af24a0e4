/// <reference lib="dom" />
/** Quality against cost: charts over MACs, measured time and the search's cost, with a line for each method. */
import type { ReportData, ReportMetric } from "../report_data.ts";
import { costChart, costs } from "./cost_chart.ts";
import { choice, html, section, svg } from "./elements.ts";
import type { Selection } from "./selection.ts";
import { type Series, type SeriesStyle, seriesStyle } from "./series_style.ts";

/** The section with the charts; empty if there is no metric to draw. */
export function costCharts(
  data: ReportData,
  selection: Selection,
): HTMLElement[] {
  const { metrics } = data;
  if (metrics.length === 0) return [];
  const all = seriesOf(data);
  const hidden = new Set<string>();
  const charts = html("div", { class: "charts" });
  let metric: ReportMetric = metrics[0];
  // The lines of many runs would not be told apart: one run is shown at a time then.
  let run = data.runs.length > 1 && all.length > mostLines ? 0 : undefined;
  let width = 0;
  const highlight = () => {
    for (const mark of charts.querySelectorAll<SVGGElement>(".point")) {
      const chosen = Number(mark.dataset.row) === selection.row;
      mark.classList.toggle("selected", chosen);
    }
  };
  const emphasise = (name?: string) => {
    for (const mark of charts.querySelectorAll<SVGElement>("[data-series]")) {
      const other = name !== undefined && mark.dataset.series !== name;
      mark.classList.toggle("dim", other);
    }
  };
  const isDrawn = ({ rows: members }: Series) =>
    (run === undefined || data.rows[members[0]].run === run) &&
    members.some((row) => data.rows[row].metrics[metric.name]);
  const names = legend(all, { hidden, draw: () => draw(), emphasise });
  const draw = () => {
    const series = all.filter((each) =>
      !hidden.has(each.name) && isDrawn(each)
    );
    names.show(isDrawn);
    charts.replaceChildren(
      ...costs.flatMap((cost) =>
        costChart(data, { series, metric, cost, width, selection })
      ),
    );
    highlight();
  };
  const { element } = choice(
    "Quality as",
    metrics.map(({ label }) => label),
    (i) => {
      metric = metrics[i];
      draw();
    },
  );
  const runs = choice(
    "of",
    ["all runs", ...data.runs.map(({ name }) => name)],
    (i) => {
      run = i === 0 ? undefined : i - 1;
      draw();
    },
  );
  runs.select.value = String(run === undefined ? 0 : run + 1);
  const drawnCosts =
    costs.filter(({ key }) => data.rows.some((row) => row[key] !== null))
      .length;
  // Charts are drawn at the size in which they are shown, so that their text keeps its size.
  new ResizeObserver(([{ contentRect }]) => {
    width = Math.floor(columnWidth(contentRect.width, drawnCosts));
    draw();
  }).observe(charts);
  selection.listen(highlight);
  return [
    section(
      "Quality against cost",
      element,
      ...data.runs.length > 1 ? [" ", runs.element] : [],
      charts,
      names.element,
    ),
  ];
}

/** The most lines that one chart shows. */
const mostLines = 24;

const gap = 20;
const leastWidth = 360;

/** The width of one of several charts, which stand side by side if there is room, as in the style sheet. */
function columnWidth(all: number, charts: number): number {
  const room = Math.floor((all + gap) / (leastWidth + gap));
  const columns = Math.max(1, Math.min(charts, room));
  return (all - gap * (columns - 1)) / columns;
}

/** A line for every method that has values, the main methods of the runs first. */
function seriesOf({ rows, runs, metrics }: ReportData): Series[] {
  const drawn = [...rows.keys()].filter((i) =>
    metrics.some(({ name }) => rows[i].metrics[name])
  );
  const byName = [...Map.groupBy(drawn, (i) => rows[i].series)];
  const lines = byName.map(([name, members]) => {
    const { method, run, paper } = rows[members[0]];
    const ordered = members.toSorted((a, b) =>
      rows[b].macsKept - rows[a].macsKept
    );
    const main = !paper && runs[run].mainMethod === method;
    return { name, rows: ordered, main, paper };
  });
  return lines.sort((a, b) => Number(b.main) - Number(a.main))
    .map((each, i) => ({ ...each, style: seriesStyle(i, each.paper) }));
}

/** Buttons that name the lines: pointer or focus emphasises a line, a press hides it. `show` hides the others' buttons. */
function legend(
  all: readonly Series[],
  { hidden, draw, emphasise }: {
    hidden: Set<string>;
    draw: () => void;
    emphasise: (name?: string) => void;
  },
): {
  element: HTMLElement;
  show: (isDrawn: (series: Series) => boolean) => void;
} {
  const buttons = all.map(({ name, style, main }) => {
    const button = html(
      "button",
      { type: "button", "aria-pressed": "true", class: main && "main" },
      swatch(style),
      name,
    );
    button.addEventListener("click", () => {
      if (!hidden.delete(name)) hidden.add(name);
      button.setAttribute("aria-pressed", String(!hidden.has(name)));
      draw();
    });
    for (const event of ["pointerenter", "focus"]) {
      button.addEventListener(event, () => emphasise(name));
    }
    for (const event of ["pointerleave", "blur"]) {
      button.addEventListener(event, () => emphasise());
    }
    return button;
  });
  const element = html(
    "div",
    { class: "legend", role: "group", "aria-label": "Methods shown" },
    ...buttons,
  );
  const show = (isDrawn: (series: Series) => boolean) =>
    all.forEach((each, i) => buttons[i].hidden = !isDrawn(each));
  return { element, show };
}

function swatch({ colour, dashes, marker }: SeriesStyle): SVGSVGElement {
  const line = { stroke: colour, "stroke-dasharray": dashes };
  return svg(
    "svg",
    { viewBox: "-14 -7 28 14", width: 28, height: 14, "aria-hidden": "true" },
    svg("path", { d: "M-13,0H13", "stroke-width": 2, ...line }),
    svg("path", { d: marker, fill: colour }),
  );
}
