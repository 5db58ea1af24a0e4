/** A SubNet's gates as a picture: a column for each step in sampling order, a row for each unit. */

import { element, svgDocument, text } from "./svg.ts";

const cell = 12;
const left = 160;
const top = 44;
const colours = {
  computed: "#0072b2",
  "whole step": "#d55e00",
  reused: "#e8e8e8",
};

/**
 * Draws gates as an SVG document.
 *
 * @param gates Shape `[T, N]`, 1 computes and 0 reuses.
 * @param options `units`: N row labels. `wholeStepUnit`: row drawn in another
 * colour. `keptMacs`: kept fraction of the dense trajectory's MACs, in [0, 1].
 * @throws {RangeError} If a step does not have one gate for each unit.
 */
export function gateHeatMap(
  gates: readonly (readonly number[])[],
  { title, units, wholeStepUnit, keptMacs }: {
    title: string;
    units: readonly string[];
    wholeStepUnit: number;
    keptMacs: number;
  },
): string {
  gates.forEach((row, t) => {
    if (row.length !== units.length) {
      throw new RangeError(
        `Cannot draw gates: step ${t} has ${row.length}, expected ${units.length}`,
      );
    }
  });
  const height = top + (units.length + 3) * cell;
  const width = left + Math.max(gates.length * cell, 260) + cell;
  const on = (n: number) => n === wholeStepUnit ? "whole step" : "computed";
  const cells = gates.flatMap((row, t) =>
    row.map((gate, n) => {
      const colour = colours[gate ? on(n) : "reused"];
      return square(left + t * cell, top + n * cell, colour);
    })
  );
  const labels = units.map((unit, n) => text(4, top + n * cell + 9, unit));
  const legend = Object.entries(colours).flatMap(([name, colour], i) => [
    square(left + i * 90, height - 20, colour),
    text(left + i * 90 + 16, height - 11, name),
  ]);
  const heading = `${title}: ${(100 * keptMacs).toFixed(1)} % of MACs kept`;
  return svgDocument({ width, height, fontSize: 10 }, [
    text(4, 16, heading),
    text(left, top - 6, "step, in sampling order"),
    ...cells,
    ...labels,
    ...legend,
  ]);
}

function square(x: number, y: number, fill: string): string {
  return element("rect", { x, y, width: cell - 1, height: cell - 1, fill });
}
