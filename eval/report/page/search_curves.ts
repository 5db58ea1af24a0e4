/// <reference lib="dom" />
/** The curves that searches reported while they ran, in a small chart each. */
import { axisBottom, axisLeft, extent, line, scaleLinear, select } from "d3";
import type { ReportData } from "../report_data.ts";
import type { ReportCurve } from "../run_details.ts";
import { html, section, svg } from "./elements.ts";

const [width, height] = [360, 212];
const [left, right, top, bottom] = [48, 350, 12, 170];

/** The section; empty if no search reported a curve. */
export function searchCurves({ runs }: ReportData): HTMLElement[] {
  const several = runs.length > 1;
  const curves = runs.flatMap(({ name, curves }) =>
    curves.map((each) =>
      several ? { ...each, name: `${name}: ${each.name}` } : each
    )
  );
  if (curves.length === 0) return [];
  return [
    section(
      "Searches",
      html("div", { class: "charts small" }, ...curves.map(chart)),
    ),
  ];
}

function chart({ name, points }: ReportCurve): HTMLElement {
  const x = scaleLinear(extent(points, (p: number[]) => p[0]), [left, right]);
  const y = scaleLinear(extent(points, (p: number[]) => p[1]), [bottom, top])
    .nice(4);
  const picture = svg("svg", {
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    "aria-label": `${name} over iterations, from ${
      points[0][1].toPrecision(3)
    } to ${points.at(-1)![1].toPrecision(3)}`,
  });
  select(picture).append("g").attr("class", "axis")
    .attr("transform", `translate(0,${bottom})`)
    .call(axisBottom(x).ticks(4).tickSizeOuter(0));
  select(picture).append("g").attr("class", "axis grid")
    .attr("transform", `translate(${left},0)`)
    .call(axisLeft(y).ticks(4).tickSize(left - right));
  picture.append(
    svg("path", {
      class: "line",
      d: line()(points.map(([a, b]) => [x(a), y(b)])),
      stroke: "var(--series-0)",
    }),
    svg("text", {
      class: "axis-label",
      x: right,
      y: height - 2,
      "text-anchor": "end",
    }, "iteration"),
  );
  return html(
    "figure",
    { class: "chart" },
    html("figcaption", {}, name),
    picture,
  );
}
