/** A chart of how much parts of a network teach over their share of its MACs, beside the diagonal of whole calls. */
import { line, scaleLinear } from "d3";
import { lineStyle } from "./line_style.ts";
import { element, svgDocument, text } from "./svg.ts";

/** The line of one distance in steps. */
export interface TaughtLine {
  readonly label: string;
  /** The share of the MACs and the share of the error that is removed, for each depth. */
  readonly depths: readonly (readonly [share: number, taught: number])[];
  /** The same two shares for the conditional half of guidance alone, if there are two halves. */
  readonly half?: readonly [share: number, taught: number];
}

/**
 * Draws the lines as an SVG document; halves of guidance are squares.
 *
 * @param options.title The heading above the chart.
 */
export function taughtChart(
  lines: readonly TaughtLine[],
  { title }: { readonly title: string },
): string {
  const x = scaleLinear([0, 1], [60, 380]);
  const y = scaleLinear([0, 1], [270, 30]);
  const pointAt = ([share, taught]: readonly [number, number]) =>
    [x(share), y(taught)] as [number, number];
  const marks = lines.flatMap(({ label, depths, half }, i) => {
    const style = lineStyle(i);
    const points = [...depths, [1, 1] as const].map(pointAt);
    const [left, top] = half ? pointAt(half) : [];
    return [
      element("path", { d: line()(points), fill: "none", ...style }),
      ...points.map(([cx, cy]) =>
        element("circle", { cx, cy, r: 2.5, fill: style.stroke })
      ),
      ...half
        ? [element("rect", {
          x: left! - 4,
          y: top! - 4,
          width: 8,
          height: 8,
          fill: "none",
          stroke: style.stroke,
        })]
        : [],
      element("path", { d: `M390,${40 + 16 * i}h16`, ...style }),
      text(410, 44 + 16 * i, label),
    ];
  });
  const ticks = x.ticks(5).flatMap((t: number) => [
    text(x(t) - 8, 286, `${t}`),
    text(34, y(t) + 4, `${t}`),
  ]);
  const below = 44 + 16 * lines.length;
  return svgDocument({ width: 600, height: 320, fontSize: 11 }, [
    text(20, 16, title),
    element("path", { d: "M60,30V270H380", stroke: "black", fill: "none" }),
    element("path", { d: "M60,270L380,30", stroke: "#999999" }),
    ...ticks,
    text(140, 308, "share of the network's MACs"),
    element("path", { d: `M390,${below - 4}h16`, stroke: "#999999" }),
    text(410, below, "as many MACs in whole calls"),
    ...lines.some(({ half }) => half)
      ? [text(390, below + 16, "□ conditional half alone")]
      : [],
    ...marks,
  ]);
}
