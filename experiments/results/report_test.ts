import { assert, assertEquals } from "@std/assert";
import { zeros } from "@dip-go/core/tensor";
import { fittedGrid, shownPairs } from "./report.ts";

/** The sides of a grid of `rows` rows of pictures, each `side` pixels wide and high. */
const sides = (rows: number, side: number) => {
  const images = Array(shownPairs).fill(zeros([3, side, side]));
  const row = { label: "searched-subset+forecast-0.8", images };
  const { width, height } = fittedGrid(Array(rows).fill(row));
  return [width, height];
};

Deno.test("fittedGrid() stays under 4,000 pixels a side, and enlarges pictures if they fit", () => {
  for (const [rows, side] of [[26, 128], [1, 512]]) {
    assert(Math.max(...sides(rows, side)) < 4000, `${rows} of ${side}`);
  }
  assertEquals(sides(2, 16)[1], 4 + 2 * (3 * 16 + 4));
});
