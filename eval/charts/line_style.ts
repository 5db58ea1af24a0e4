/** Line styles that readers can tell apart. */

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

/** Dash patterns in the order of their use: solid, dashed, dotted, both in turns. */
const dashes = [undefined, "6 3", "2 2", "8 3 2 3"];

/** The number of styles that can be told apart. */
export const mostLines = dashes.length * colours.length;

/** The SVG attributes of line `i`, counted from 0. */
export function lineStyle(i: number) {
  const dashed = dashes[Math.floor(i / colours.length)];
  return {
    stroke: colours[i % colours.length],
    ...dashed === undefined ? {} : { "stroke-dasharray": dashed },
  };
}
