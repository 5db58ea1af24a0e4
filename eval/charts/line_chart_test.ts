import { assert, assertThrows } from "@std/assert";
import { lineChart } from "./line_chart.ts";

const labels = { xLabel: "update", yLabel: "loss" };

Deno.test("lineChart() draws each curve through its points", () => {
  const points = [[0, 20], [50, 25], [100, 30]] as const;
  const svg = lineChart([{ name: "a < b", points }], labels);
  // x spans 0 to 100 over 60 to 460, y spans 20 to 30 over 270 to 30
  assert(svg.includes('d="M60,270L260,150L460,30"'));
  assert(svg.includes("a &lt; b"));
});

Deno.test("lineChart() gives every decade of a logarithmic axis the same height", () => {
  const points = [[0, 0.01], [1, 0.1], [2, 1]] as const;
  const svg = lineChart([{ name: "loss", points }], { ...labels, log: true });
  assert([1, 0.1, 0.01].every((t) => svg.includes(`>${t}</text>`)));
  assert(svg.includes('d="M60,270L260,150L460,30"'));
});

Deno.test("lineChart() refuses what it cannot place", () => {
  const chart = (points: [number, number][], log: boolean) => () =>
    lineChart([{ name: "loss", points }], { ...labels, log });
  assertThrows(chart([], false), RangeError, '"loss" has no point');
  assertThrows(
    chart([[0, NaN]], false),
    RangeError,
    "(0,NaN), expected finite",
  );
  assertThrows(chart([[3, 0]], true), RangeError, "(3,0), expected positive y");
});
