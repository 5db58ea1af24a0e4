/**
 * The styles by which a chart's lines are told apart: Okabe and Ito's colours for
 * colour-blind readers, adapted to light and dark in the style sheet, and marker
 * shapes for readers who see no colours.
 */
import {
  symbol,
  symbolCircle,
  symbolDiamond,
  symbolSquare,
  symbolStar,
  symbolTriangle,
  symbolWye,
} from "d3";

const colours = 7;
const shapes = [
  symbolCircle,
  symbolSquare,
  symbolTriangle,
  symbolDiamond,
  symbolWye,
  symbolStar,
];

export interface SeriesStyle {
  readonly colour: string;
  /** The value of SVG's `stroke-dasharray`. */
  readonly dashes?: string;
  /** The marker as a path around (0, 0). */
  readonly marker: string;
}

/** A method's line: its rows as indices, from the dearest to the cheapest. */
export interface Series {
  readonly name: string;
  readonly rows: readonly number[];
  readonly style: SeriesStyle;
  /** Whether the line's method is the main method of its run. */
  readonly main: boolean;
}

/** The style of line `i`, counted from 0; lines of a paper's numbers are dotted. */
export function seriesStyle(i: number, paper: boolean): SeriesStyle {
  const again = Math.floor(i / colours) % 2 === 1;
  const dashes = paper ? "1 4" : again ? "6 4" : undefined;
  return {
    colour: `var(--series-${i % colours})`,
    ...dashes ? { dashes } : {},
    marker: symbol(shapes[i % shapes.length], 52)(),
  };
}
