/** How the lines of a chart are told apart: Okabe and Ito's colours for colour-blind readers, then the same dashed. */

// Without their yellow, which is too faint on white.
const colours = [
  "#0072b2",
  "#d55e00",
  "#009e73",
  "#cc79a7",
  "#e69f00",
  "#56b4e9",
  "#000000",
];

/** Lines that can be told apart. */
export const maxLineStyles = 2 * colours.length;

/** SVG attributes of line `i`, counted from 0. */
export function lineStyle(
  i: number,
): { stroke: string; "stroke-dasharray"?: string } {
  const stroke = colours[i % colours.length];
  return i < colours.length
    ? { stroke }
    : { stroke, "stroke-dasharray": "4 3" };
}
