/** A metric's loss as MACs are saved: a line a method, with 95 % intervals. */

import { extent, group, line, scaleLinear } from "d3";
import { metricInfo } from "../tables/metric_info.ts";
import type { ResultRow } from "../tables/results.ts";
import { lineStyle, mostLines } from "./line_style.ts";
import { element, svgDocument, text } from "./svg.ts";

/**
 * Draws a metric over the kept fraction of MACs as an SVG document; rows
 * without the metric are left out.
 *
 * @throws {RangeError} If no row has the metric, or there are more methods than styles of lines.
 */
export function fidelityChart(
  rows: readonly ResultRow[],
  { metric }: { metric: string },
): string {
  const shown = rows.filter(({ metrics }) => Object.hasOwn(metrics, metric));
  const methods = [...group(shown, (row: ResultRow) => row.method)] as [
    string,
    ResultRow[],
  ][];
  if (methods.length < 1 || methods.length > mostLines) {
    throw new RangeError(
      `Cannot draw a chart of ${metric}: found ${methods.length} methods, expected 1 to ${mostLines}`,
    );
  }
  const values = shown.flatMap(({ metrics: { [metric]: m } }) => [
    m.low ?? m.mean,
    m.high ?? m.mean,
  ]);
  const x = scaleLinear([0, 1], [60, 380]);
  const y = scaleLinear(extent(values), [270, 20]).nice();
  const marks = methods.flatMap(([method, rows], i) => {
    const points = rows.map(({ macsSpeedup, metrics: { [metric]: m } }) => ({
      at: x(1 / macsSpeedup),
      mean: y(m.mean),
      low: y(m.low ?? m.mean),
      high: y(m.high ?? m.mean),
    })).sort((a, b) => a.at - b.at);
    const style = lineStyle(i);
    const { stroke } = style;
    const path = line()(points.map(({ at, mean }) => [at, mean]));
    return [
      element("path", { d: path, fill: "none", ...style }),
      ...points.flatMap(({ at, mean, low, high }) => [
        element("path", { d: `M${at},${low}V${high}`, stroke }),
        element("circle", { cx: at, cy: mean, r: 3, fill: stroke }),
      ]),
      element("path", { d: `M390,${30 + 16 * i}h16`, ...style }),
      text(410, 34 + 16 * i, method),
    ];
  });
  const ticks = [
    ...x.ticks(5).map((t: number) => text(x(t) - 8, 286, `${t}`)),
    ...y.ticks(5).map((t: number) => text(20, y(t) + 4, y.tickFormat(5)(t))),
  ];
  return svgDocument({ width: 600, height: 320, fontSize: 11 }, [
    element("path", { d: "M60,20V270H380", stroke: "black", fill: "none" }),
    ...ticks,
    text(150, 308, "fraction of dense MACs kept"),
    text(20, 14, metricInfo(metric).label),
    ...marks,
  ]);
}
