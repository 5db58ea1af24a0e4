import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { fidelityChart } from "./fidelity_chart.ts";
import type { ResultRow } from "../tables/results.ts";

function row(method: string, macsSpeedup: number, mean: number): ResultRow {
  const metrics = { psnr: { mean, low: mean - 1, high: mean + 1 } };
  const cost = { macs: 1, macsSpeedup, latencyMs: null, speedup: null };
  return { method, sparsity: 0.5, ...cost, metrics };
}

Deno.test("fidelityChart() draws points at their kept MACs with whiskers", () => {
  const rows = [row("dip-go", 2, 21), row("dip-go", 4, 29)];
  const svg = fidelityChart(rows, { metric: "psnr" });
  // y spans 20 to 30 over 380 to 20; x spans 0 to 1 over 60 to 520
  assertEquals(svg.includes('d="M175,56L290,344"'), true);
  assertEquals(svg.includes('d="M290,380V308"'), true);
});

Deno.test("fidelityChart() draws over time and over the search's cost, for rows that have them", () => {
  const rows = [
    { ...row("a", 2, 20), speedup: 4, searchPasses: 0 },
    { ...row("b", 2, 30), searchPasses: 1000 },
  ];
  const time = fidelityChart(rows, { metric: "psnr", cost: "time" });
  assertEquals([...time.matchAll(/cx="(\d+)"/g)].map(([, x]) => x), ["175"]);
  const search = fidelityChart(rows, { metric: "psnr", cost: "search" });
  const found = [...search.matchAll(/cx="(\d+)"/g)].map(([, x]) => x);
  assertEquals(found, ["520", "60"]);
});

Deno.test("fidelityChart() lists methods from the highest line, the main one thick", () => {
  const rows = [row("low", 2, 20), row("high", 2, 30)];
  const svg = fidelityChart(rows, { metric: "psnr", main: "low" });
  const names = [...svg.matchAll(/y="(\d+)">(low|high)</g)];
  assertEquals(names.map(([, y, name]) => [y, name]), [
    ["34", "high"],
    ["50", "low"],
  ]);
  assertEquals(svg.match(/stroke-width="3"/g)?.length, 2); // line and legend
});

Deno.test("fidelityChart() leaves out the lowest of too many methods, but not the main one", () => {
  const names = [...Array(40).keys()].map((i) => `m${i}`);
  const rows = names.map((name, i) => row(name, 2, 60 - i));
  const svg = fidelityChart(rows, { metric: "psnr", main: "m39" });
  const found = [...svg.matchAll(/>(m\d+)</g)].map(([, name]) => name);
  assertEquals(found, [...names.slice(0, 27), "m39"]);
  assertStringIncludes(svg, "12 lower ones are left out");
  const fewer = fidelityChart(rows.slice(0, 28), { metric: "psnr" });
  assertEquals(fewer.includes("left out"), false);
});

Deno.test("fidelityChart() refuses a metric that no row has", () => {
  assertThrows(() => fidelityChart([], { metric: "fid" }), RangeError, "fid");
});
