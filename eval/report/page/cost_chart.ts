/// <reference lib="dom" />
/** One chart: a metric over one cost, with 95 % intervals; a point shows its row's card and selects the row. */
import {
  axisBottom,
  axisLeft,
  extent,
  line,
  scaleLinear,
  scaleSymlog,
  select,
} from "d3";
import type { ReportData, ReportMetric } from "../report_data.ts";
import { html, svg } from "./elements.ts";
import { rowCard } from "./row_card.ts";
import type { Selection } from "./selection.ts";
import type { Series } from "./series_style.ts";

// deno-lint-ignore no-explicit-any -- d3 ships no types
type Scale = any;

const perCent = (fraction: number) => `${Math.round(100 * fraction)} %`;

/** The linear scale and axis of shares, in per cent. */
const shares = {
  scale: (dearest: number, range: number[]): Scale =>
    scaleLinear([0, dearest], range).nice(5),
  axis: (x: Scale, width: number) =>
    axisBottom(x).ticks(width / 75).tickFormat(perCent),
};

const powers = [0, 10, 100, 1000, 10_000, 100_000];

/** The logarithmic scale of passes, and its axis at powers of ten. */
const passes = {
  scale: (dearest: number, range: number[]): Scale =>
    scaleSymlog([0, Math.max(1, dearest)], range),
  axis: (x: Scale) =>
    axisBottom(x).tickValues(powers.filter((each) => each <= x.domain()[1]))
      .tickFormat(String),
};

export const costs = [
  { key: "macsKept", label: "MACs, of the dense trajectory’s", ...shares },
  { key: "timeKept", label: "Measured time, of the full model’s", ...shares },
  {
    key: "searchPasses",
    label: "Search, in pictures by the full sampler",
    ...passes,
  },
] as const;

export interface ChartContent {
  readonly series: readonly Series[];
  readonly metric: ReportMetric;
  readonly cost: (typeof costs)[number];
  /** The chart's width in pixels. */
  readonly width: number;
  readonly selection: Selection;
}

/** A row's place in the chart, in pixels. */
interface Point {
  readonly row: number;
  readonly x: number;
  readonly y: number;
  readonly low: number;
  readonly high: number;
}

const height = 340;
const [left, top, bottom] = [46, 26, 296];
const marginRight = 12;

/** Draws the chart as a figure, or nothing if no row has both metric and cost. */
export function costChart(
  data: ReportData,
  { series, metric, cost, width, selection }: ChartContent,
): HTMLElement[] {
  const { rows } = data;
  const drawn = series.map((each) => ({
    ...each,
    rows: each.rows.filter((i) =>
      rows[i].metrics[metric.name] && rows[i][cost.key] !== null
    ),
  })).filter((each) => each.rows.length > 0);
  if (drawn.length === 0) return [];
  const { x, y } = scalesOf(data, drawn, { metric, cost, width });
  const picture = svg("svg", {
    viewBox: `0 0 ${width} ${height}`,
    role: "group",
    "aria-label": `${metric.label} over ${cost.label}`,
  });
  drawAxes(picture, { x, y, metric, cost, width });
  const tip = html("div", { class: "tip", hidden: true });
  const marks = drawn.flatMap(({ name, rows: members, style, main }) => {
    const points = members.map((row): Point => {
      const { mean, low = mean, high = mean } = rows[row].metrics[metric.name];
      const at = x(rows[row][cost.key]);
      return { row, x: at, y: y(mean), low: y(low), high: y(high) };
    });
    picture.append(svg("path", {
      class: main ? "line main" : "line",
      "data-series": name,
      d: line()(points.map((p) => [p.x, p.y])),
      stroke: style.colour,
      "stroke-dasharray": style.dashes,
    }));
    return points.map((point) => ({
      point,
      mark: pointMark(point, {
        style,
        series: name,
        paper: rows[point.row].paper,
        label: `${rows[point.row].name}: ${metric.label} ${
          rows[point.row].metrics[metric.name].mean.toFixed(metric.digits)
        }`,
      }),
    }));
  });
  picture.append(...marks.map(({ mark }) => mark));
  const figure = html("figure", { class: "chart" }, picture, tip);
  const show = ({ row, x, y }: Point) => {
    tip.replaceChildren(rowCard(data, row));
    tip.hidden = false;
    tip.style.left = `${100 * x / width}%`;
    tip.style.top = `${100 * y / height}%`;
    tip.classList.toggle("to-the-left", x > width / 2);
    tip.classList.toggle("above", y > height / 2);
  };
  followPointer(marks, { show, hide: () => tip.hidden = true, selection });
  return [figure];
}

/** The scales: the cost from 0 to the largest cost shown, the metric from its least to its greatest bound. */
function scalesOf(
  { rows }: ReportData,
  drawn: readonly Series[],
  { metric, cost, width }: Pick<ChartContent, "metric" | "cost" | "width">,
) {
  const shown = drawn.flatMap((each) => each.rows.map((i) => rows[i]));
  const values = shown.flatMap(({ metrics: { [metric.name]: m } }) => [
    m.low ?? m.mean,
    m.high ?? m.mean,
  ]);
  const dearest = Math.max(...shown.map((row) => row[cost.key]!));
  return {
    x: cost.scale(dearest, [left, width - marginRight]),
    y: scaleLinear(padded(extent(values)), [bottom, top]).nice(),
  };
}

/** Widens the extent of a single value, which would be empty. */
function padded([low, high]: [number, number]): [number, number] {
  const more = low === high ? Math.abs(low) / 10 || 1 : 0;
  return [low - more, high + more];
}

function drawAxes(
  picture: SVGSVGElement,
  { x, y, metric, cost, width }:
    & { x: Scale; y: Scale }
    & Pick<ChartContent, "metric" | "cost" | "width">,
): void {
  const right = width - marginRight;
  select(picture).append("g").attr("class", "axis")
    .attr("transform", `translate(0,${bottom})`)
    .call(cost.axis(x, width).tickSizeOuter(0).tickPadding(7));
  select(picture).append("g").attr("class", "axis grid")
    .attr("transform", `translate(${left},0)`)
    .call(axisLeft(y).ticks(5).tickSize(left - right).tickPadding(8));
  picture.append(
    svg("text", {
      class: "axis-label",
      x: right,
      y: height - 8,
      "text-anchor": "end",
    }, cost.label),
    svg("text", { class: "axis-label", x: 8, y: 12 }, metric.heading),
  );
}

function pointMark(
  { row, x, y, low, high }: Point,
  { style, series, paper, label }: {
    style: Series["style"];
    series: string;
    paper: boolean;
    label: string;
  },
): SVGGElement {
  return svg(
    "g",
    {
      class: "point",
      tabindex: -1,
      role: "button",
      "aria-label": label,
      "data-row": row,
      "data-series": series,
    },
    svg("circle", { cx: x, cy: y, r: 11, class: "target" }),
    svg("path", { d: `M${x},${low}V${high}`, stroke: style.colour }),
    svg("path", {
      class: "marker",
      d: style.marker,
      transform: `translate(${x},${y})`,
      fill: paper ? "var(--surface)" : style.colour,
      stroke: style.colour,
    }),
  );
}

/** Makes points show their row under the pointer or with the focus; arrow keys go from one point to the next. */
function followPointer(
  marks: readonly { point: Point; mark: SVGGElement }[],
  { show, hide, selection }: {
    show: (point: Point) => void;
    hide: () => void;
    selection: Selection;
  },
): void {
  marks[0].mark.setAttribute("tabindex", "0");
  marks.forEach(({ point, mark }, i) => {
    const choose = () => selection.select({ row: point.row });
    mark.addEventListener("pointerenter", () => show(point));
    mark.addEventListener("pointerleave", hide);
    mark.addEventListener("focus", () => show(point));
    mark.addEventListener("blur", hide);
    mark.addEventListener("click", choose);
    mark.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[
        event.key
      ];
      if (event.key === "Enter" || event.key === " ") choose();
      else if (step) {
        const next = (i + step + marks.length) % marks.length;
        mark.setAttribute("tabindex", "-1");
        marks[next].mark.setAttribute("tabindex", "0");
        marks[next].mark.focus();
      } else if (event.key === "Escape") hide();
      else return;
      event.preventDefault();
    });
  });
}
