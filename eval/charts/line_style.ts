/** Lines that are told apart. */

/** Okabe and Ito's colours for colour-blind readers, without their yellow, which is too faint on white. */
const colours = [
  "#0072b2",
  "#d55e00",
  "#009e73",
  "#cc79a7",
  "#e69f00",
  "#56b4e9",
  "#000000",
];

/** The colours drawn through, then the same dashed. */
export const mostLines = 2 * colours.length;

/** SVG attributes of line `i`, counted from 0. */
export const lineStyle = (i: number) => ({
  stroke: colours[i % colours.length],
  ...i < colours.length ? {} : { "stroke-dasharray": "4 3" },
});
