/** Curves over a training or a search: a line a series, the vertical axis linear or logarithmic. */

import { extent, line, scaleLinear, scaleLog } from "d3";
import { lineStyle, maxLineStyles } from "./line_style.ts";
import { element, escapeXml } from "./svg.ts";

/** One curve. */
export interface Series {
  name: string;
  /** Pairs (x, y) in the order in which they are joined. */
  points: readonly (readonly [number, number])[];
}

const [width, height] = [600, 320];

/**
 * Draws curves as an SVG document.
 *
 * @param options `xLabel`, `yLabel`: what the axes count, with units. `log`:
 * logarithmic vertical axis; linear unless told.
 * @throws {RangeError} If there is no point, a value is not finite or, with `log`, a y is not positive, or there are more curves than line styles.
 */
export function lineChart(
  series: readonly Series[],
  { xLabel, yLabel, log = false }: {
    xLabel: string;
    yLabel: string;
    log?: boolean;
  },
): string {
  checkSeries(series, log);
  const points = series.flatMap((each) => each.points);
  const scale = log ? scaleLog : scaleLinear;
  const x = scaleLinear(extent(points, first), [60, 460]);
  const y = scale(extent(points, second), [270, 30]).nice();
  const curves = series.flatMap(({ name, points }, i) => {
    const path = line()(points.map(([px, py]) => [x(px), y(py)]));
    const at = 40 + 16 * i;
    return [
      element("path", { d: path, fill: "none", ...lineStyle(i) }),
      element("path", { d: `M470,${at}h16`, ...lineStyle(i) }),
      text(490, at + 4, name),
    ];
  });
  const label = y.tickFormat(5, log ? "~g" : undefined);
  const ticks = [
    ...x.ticks(5).map((t: number) => text(x(t) - 8, 286, `${t}`)),
    ...y.ticks(5).map((t: number) => text(10, y(t) + 4, label(t))),
  ];
  return element("svg", {
    xmlns: "http://www.w3.org/2000/svg",
    width,
    height,
    "font-family": "sans-serif",
    "font-size": 11,
  }, [
    element("rect", { width, height, fill: "white" }),
    element("path", { d: "M60,30V270H460", stroke: "black", fill: "none" }),
    ...ticks,
    text(230, 308, xLabel),
    text(10, 14, yLabel),
    ...curves,
  ]);
}

const first = ([x]: readonly [number, number]) => x;
const second = ([, y]: readonly [number, number]) => y;

function checkSeries(series: readonly Series[], log: boolean): void {
  if (series.length < 1 || series.length > maxLineStyles) {
    throw new RangeError(
      `Cannot draw a line chart: found ${series.length} curves, expected 1 to ${maxLineStyles}`,
    );
  }
  for (const { name, points } of series) {
    if (points.length === 0) {
      throw new RangeError(
        `Cannot draw a line chart: "${name}" has no point, expected at least one`,
      );
    }
    const odd = points.find(([x, y]) =>
      !Number.isFinite(x) || !Number.isFinite(y) || (log && y <= 0)
    );
    if (odd) {
      throw new RangeError(
        `Cannot draw a line chart: "${name}" has the point (${odd}), expected ${
          log ? "positive y on a logarithmic axis" : "finite numbers"
        }`,
      );
    }
  }
}

function text(x: number, y: number, content: string): string {
  return element("text", { x, y }, [escapeXml(content)]);
}
