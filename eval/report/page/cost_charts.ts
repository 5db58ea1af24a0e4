/// <reference lib="dom" />
/** Quality against cost: one chart over MACs, one over measured time, a line a method. */
import type { ReportData, ReportMetric } from "../report_data.ts";
import { costChart } from "./cost_chart.ts";
import { choice, html, section, svg } from "./elements.ts";
import type { Selection } from "./selection.ts";
import { type Series, type SeriesStyle, seriesStyle } from "./series_style.ts";

const costs = [
  { key: "macsKept", label: "MACs, of the dense trajectory’s" },
  { key: "timeKept", label: "Measured time, of the full model’s" },
] as const;

/** The section with both charts, or none if there is no metric to draw. */
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
  const isDrawn = ({ rows }: Series) =>
    rows.some((row) => data.rows[row].metrics[metric.name]);
  const names = legend(all, { hidden, draw: () => draw(), emphasise });
  const draw = () => {
    const series = all.filter(({ name }) => !hidden.has(name));
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
  // drawn to the size it is shown in, so that its text keeps its size
  new ResizeObserver(([{ contentRect }]) => {
    width = Math.floor(columnWidth(contentRect.width));
    draw();
  }).observe(charts);
  selection.listen(highlight);
  return [
    section(
      "Quality against cost",
      element,
      charts,
      names.element,
    ),
  ];
}

const gap = 20;
const leastWidth = 360;

/** Of one chart: two stand side by side where there is room, as in the style sheet. */
function columnWidth(all: number): number {
  return all >= 2 * leastWidth + gap ? (all - gap) / 2 : all;
}

/** A line for every method with something to draw, its run's main method first. */
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

/** Buttons that name the lines: under the pointer or focus a line stands out, pressed it is hidden. `show` leaves out the others' buttons. */
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
