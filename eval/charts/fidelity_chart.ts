/**
 * A chart of a metric over a cost: a line for each method, with 95 % intervals.
 * The legend lists methods from the highest line to the lowest.
 */

import { extent, line, mean as meanOf, scaleLinear, scaleSymlog } from "d3";
import { metricInfo } from "../tables/metric_info.ts";
import type { ResultRow } from "../tables/results.ts";
import { lineStyle, mostLines } from "./line_style.ts";
import { element, svgDocument, text } from "./svg.ts";

/** The costs that a chart can have on its x axis. */
export const chartCosts = {
  macs: {
    label: "fraction of dense MACs kept",
    of: ({ macsSpeedup }: ResultRow) => 1 / macsSpeedup,
  },
  time: {
    label: "fraction of the full model's time",
    of: ({ speedup }: ResultRow) => speedup === null ? undefined : 1 / speedup,
  },
  search: {
    label: "the search for all budgets, in pictures by the full sampler",
    of: ({ searchPasses }: ResultRow) => searchPasses,
  },
} as const;

export type ChartCost = keyof typeof chartCosts;

/** Whether a chart has points. */
export const isCharted = (
  rows: readonly ResultRow[],
  { metric, cost }: { metric: string; cost: ChartCost },
): boolean =>
  rows.some((row) =>
    Object.hasOwn(row.metrics, metric) && chartCosts[cost].of(row) !== undefined
  );

/** An x scale from 0 to the largest cost, at least to 1: linear, or symmetric logarithmic for searches. */
function scaleOf(cost: ChartCost, costs: readonly number[]) {
  const most = Math.max(1, ...costs);
  if (cost !== "search") {
    const x = scaleLinear([0, most], [60, 520]);
    return { x, ticks: x.ticks(5) as number[] };
  }
  const x = scaleSymlog([0, most], [60, 520]);
  return { x, ticks: [0, 10, 100, 1000, 10_000].filter((t) => t <= most) };
}

/**
 * Draws a metric over a cost as an SVG document; rows without the metric or the cost are
 * left out, as are the lowest methods if there are more than line styles.
 *
 * @param options.cost The kept fraction of MACs by default.
 * @param options.main The method with the thick line.
 * @throws {RangeError} If no row has metric and cost.
 */
export function fidelityChart(
  rows: readonly ResultRow[],
  { metric, cost = "macs", main }: {
    metric: string;
    cost?: ChartCost;
    main?: string;
  },
): string {
  const { of: costOf, label } = chartCosts[cost];
  const shown = rows.filter((row) => isCharted([row], { metric, cost }));
  const heightOf = (rows: readonly ResultRow[]) =>
    meanOf(rows.map(({ metrics }) => metrics[metric].mean));
  const all = [...Map.groupBy(shown, ({ method }) => method)]
    .sort(([, a], [, b]) => heightOf(b) - heightOf(a));
  if (all.length === 0) {
    throw new RangeError(
      `Cannot draw a chart of ${metric}: found no methods, expected one or more`,
    );
  }
  const methods = all.length <= mostLines
    ? all
    : all.filter(([method], i) => i < mostLines - 1 || method === main);
  const left = all.length - methods.length;
  const drawn = methods.flatMap(([, rows]) => rows);
  const values = drawn.flatMap(({ metrics: { [metric]: m } }) => [
    m.low ?? m.mean,
    m.high ?? m.mean,
  ]);
  const { x, ticks: costTicks } = scaleOf(
    cost,
    drawn.map((row) => costOf(row)!),
  );
  const y = scaleLinear(extent(values), [380, 20]).nice();
  const marks = methods.flatMap(([method, rows], i) => {
    const points = rows.map((row) => {
      const { mean, low = mean, high = mean } = row.metrics[metric];
      return { at: x(costOf(row)), mean: y(mean), low: y(low), high: y(high) };
    }).sort((a, b) => a.at - b.at);
    const style = {
      ...lineStyle(i),
      ...method === main ? { "stroke-width": 3 } : {},
    };
    const { stroke } = style;
    const path = line()(points.map(({ at, mean }) => [at, mean]));
    return [
      element("path", { d: path, fill: "none", ...style }),
      ...points.flatMap(({ at, mean, low, high }) => [
        element("path", { d: `M${at},${low}V${high}`, stroke }),
        element("circle", { cx: at, cy: mean, r: 3, fill: stroke }),
      ]),
      element("path", { d: `M530,${30 + 16 * i}h16`, ...style }),
      text(550, 34 + 16 * i, method),
    ];
  });
  if (left > 0) {
    const at = 34 + 16 * methods.length;
    marks.push(text(530, at, `${left} lower ones are left out`));
  }
  const ticks = [
    ...costTicks.map((t) => text(x(t) - 8, 396, `${t}`)),
    ...y.ticks(5).map((t: number) => text(20, y(t) + 4, y.tickFormat(5)(t))),
  ];
  const height = Math.max(430, 60 + 16 * methods.length);
  return svgDocument({ width: 740, height, fontSize: 11 }, [
    element("path", { d: "M60,20V380H520", stroke: "black", fill: "none" }),
    ...ticks,
    text(cost === "search" ? 130 : 220, 418, label),
    text(20, 14, metricInfo(metric).label),
    ...marks,
  ]);
}
