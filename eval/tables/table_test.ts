import { assert, assertEquals } from "@std/assert";
import { joinResults } from "./join_results.ts";
import { renderTable } from "./render_table.ts";
import type { MetricValue, ResultRow, Results } from "./results.ts";
import { formatMacs, formatPercent, tableOf } from "./table.ts";
import { displayWidth } from "./aligned_lines.ts";

function row(method: string, sparsity: number, psnr: MetricValue): ResultRow {
  const macs = 2e9 * (1 - sparsity);
  return {
    method,
    sparsity,
    macs,
    macsSpeedup: 2e9 / macs,
    latencyMs: null,
    speedup: null,
    metrics: { psnr },
  };
}

const versus = { method: "gates", difference: -2, low: -3, high: -1 };

const results: Results = {
  experiment: "toy",
  model: "shapes",
  sampler: { name: "ddim", steps: 20 },
  rows: [
    row("gates", 0.5, { mean: 32, low: 31, high: 33 }),
    row("skip, uniform", 0.5, { mean: 30, versus }),
    row("gates", 0.25, { mean: 40 }),
  ],
};

Deno.test("tableOf() groups by ascending sparsity and drops empty columns", () => {
  const { columns, groups } = tableOf(joinResults([results]));
  assertEquals(
    columns.map(({ header }) => header),
    ["Sparsity", "Method", "MACs", "MACs speedup", "PSNR (dB) ↑"],
  );
  assertEquals(
    groups.map((group) => group.map((cells) => cells[0].text)),
    [["25 %"], ["50 %", ""]],
  );
});

Deno.test("tableOf() emphasises the best and marks paired differences", () => {
  const [, group] = tableOf(joinResults([results])).groups;
  const cells = group.map((cells) => cells.at(-1)!);
  assertEquals(cells.map(({ best }) => best), [true, false]);
  assertEquals(cells[0].text.trimEnd(), "32.00 [31.00, 33.00]");
  assertEquals(cells[1].text, "30.00 ▼");
});

Deno.test("tableOf() emphasises all that are not told apart from the best, by its own difference or the main method's", () => {
  const like = { method: "best", difference: -1, low: -2.5, high: 0.5 };
  const unlike = { method: "best", difference: -4, low: -5, high: -3 };
  const rows = [
    row("best", 0.5, { mean: 32, n: 64 }),
    row("like", 0.5, { mean: 31, n: 64, toBest: like }),
    row("unlike", 0.5, { mean: 28, n: 64, toBest: unlike }),
    row("few", 0.5, { mean: 31, n: 8, toBest: like }),
    row("earlier", 0.5, { mean: 31, versus: like }),
  ];
  const [group] = tableOf(joinResults([{ ...results, rows }])).groups;
  const best = group.map((cells) => cells.at(-1)!.best);
  assertEquals(best, [true, true, false, false, true]);
});

Deno.test("tableOf() marks differences that are significant among all of the table together", () => {
  const barely = { method: "gates", difference: -2, low: -3.95, high: -0.05 };
  const marksOf = (count: number) => {
    const rows = Array.from(
      { length: count },
      (_, i) => row(`m${i}`, 0.5, { mean: 30, versus: { ...barely } }),
    );
    const { groups } = tableOf(joinResults([{ ...results, rows }]));
    return groups[0].map((cells) => cells.at(-1)!.metric!.mark);
  };
  assertEquals(marksOf(1), ["▼"]);
  assertEquals(marksOf(2), ["≈", "≈"]);
});

Deno.test("tableOf() shows neither interval nor mark below 20 samples, and quantiles if they are asked for", () => {
  const few = { mean: 30, low: 29, high: 31, versus, median: 30.5 };
  const rows = [row("few", 0.5, { ...few, n: 19, worstTenth: 28 })];
  const textOf = (quantiles: boolean) =>
    tableOf(joinResults([{ ...results, rows }]), { quantiles })
      .groups[0][0].at(-1)!.text;
  assertEquals([textOf(false), textOf(true)], [
    "30.00",
    "30.00 (30.50; 28.00)",
  ]);
});

Deno.test("tableOf() shows the geometric mean of errors, marked by the ratio", () => {
  const ratio = { mean: 2, low: 1.5, high: 2.5 };
  const error = {
    mean: 0.5,
    geometric: { mean: 0.25, low: 0.125, high: 0.5 },
    versus: { method: "gates", difference: 0.1, low: -1, high: 1, ratio },
  };
  const rows = [{ ...row("own", 0.5, { mean: 1 }), metrics: { mse: error } }];
  const { groups, notes } = tableOf(joinResults([{ ...results, rows }]));
  assertEquals(groups[0][0].at(-1)!.text, "0.25000 [0.12500, 0.50000] ▲");
  assert(notes.includes("Means of errors are geometric."));
});

Deno.test("joinResults() tells runs of one experiment apart", () => {
  const rows = joinResults([results, results]);
  assertEquals(rows[0].experiment, "toy");
  assertEquals(rows[3].experiment, "toy (2)");
  assertEquals(tableOf(rows).columns[1].header, "Experiment");
});

Deno.test("joinResults() takes a run's only method for its main one", () => {
  const runOf = (psnr: MetricValue): Results => ({
    ...results,
    rows: [row("full", 0, { mean: 99 }), row("gates", 0.5, psnr)],
  });
  const [, own, , other] = joinResults([
    runOf({ mean: 32, low: 31, high: 33 }),
    runOf({ mean: 40, low: 39, high: 41 }),
  ]);
  assertEquals(own.metrics.psnr.versus, undefined);
  assertEquals(other.metrics.psnr.versus?.method, "gates of toy");
  assertEquals(other.metrics.psnr.versus?.difference, 8);
});

Deno.test("joinResults() compares unpaired values with the first run's main method, by the two intervals", () => {
  const runOf = (psnr: MetricValue): Results => ({
    ...results,
    rows: [row("other", 0.5, psnr)],
  });
  const rows = joinResults([
    results,
    runOf({ mean: 20, low: 19, high: 21 }),
    runOf({ mean: 31, low: 30, high: 32 }),
    runOf({ mean: 31, low: 30, high: 32, versus }),
    runOf({ mean: 50 }),
    { ...runOf({ mean: 20, low: 19, high: 21 }), model: "another" },
  ]);
  const [, { metrics: { psnr: own } }, , ...others] = rows;
  assertEquals(own.versus, versus);
  const marks = others.map(({ metrics: { psnr } }) => psnr.versus);
  // gates has 32 [31, 33]: the difference is 12 or 1, give or take √2.
  assertEquals(marks[0], {
    method: "gates of toy",
    difference: -12,
    low: -12 - Math.SQRT2,
    high: -12 + Math.SQRT2,
    unpaired: true,
  });
  assertEquals(marks[1]?.difference, -1);
  assertEquals(marks.slice(2), [versus, undefined, undefined]);
  const { groups, notes } = tableOf(rows);
  assertEquals(
    groups[1].map((cells) => cells.at(-1)!.metric!.mark),
    [undefined, "▼", "▼", "≈", "▼", undefined, undefined],
  );
  assertEquals(notes.slice(1), [
    "▲ ▼ ≈: higher than, lower than, not told apart from gates on the same samples (95 % paired interval, by Holm's rule over 4 marks).",
    "▲ ▼ ≈: higher than, lower than, not told apart from gates of toy, each on samples of its own (95 % interval of the difference, by Holm's rule over 4 marks).",
  ]);
});

Deno.test("renderTable() aligns every terminal line up to its last column", () => {
  const rows = joinResults([results, { ...results, experiment: "東京" }]);
  const [header, ...lines] = renderTable(rows, "text").split("\n");
  const at = displayWidth(header.slice(0, header.indexOf("Method")));
  const row = lines.find((line) => /東京 +gates/.test(line))!;
  assertEquals(displayWidth(row.slice(0, row.indexOf("gates"))), at);
});

Deno.test("renderTable() writes Markdown, CSV and JSON", () => {
  const rows = joinResults([results]);
  assert(renderTable(rows, "md").includes("**32.00 [31.00, 33.00]**"));
  assertEquals(
    renderTable(rows, "csv").split("\n")[2],
    'toy,shapes,ddim 20,"skip, uniform",0.5,1000000000,2,30,,,gates,-2,-3,-1',
  );
  assertEquals(JSON.parse(renderTable(rows, "json")), rows);
});

Deno.test("formatMacs() and formatPercent() keep the digits that a reader needs", () => {
  assertEquals(formatMacs(401.637e9), "402 G");
  assertEquals(formatMacs(16.94e12), "16.9 T");
  assertEquals([formatPercent(0.5), formatPercent(0.125)], ["50 %", "12.5 %"]);
});

Deno.test("tableOf() shows the rounds' speedups and the search's cost if they are known", () => {
  const [first, ...others] = results.rows;
  const timed = { speedup: 2, speedupLow: 1.9, speedupHigh: 2.125 };
  const effort = { searchPasses: 96, searchPictures: 24 };
  const rows = [{ ...first, ...timed, ...effort }, ...others];
  const { columns, groups, notes } = tableOf(
    joinResults([{ ...results, rows }]),
  );
  const at = (header: string) =>
    columns.findIndex((column) => column.header === header);
  const [[without], [cells]] = groups;
  assertEquals(cells[at("Speedup")].text, "2.00× (1.90–2.13)");
  assertEquals(cells[at("Search (passes)")].text, "96");
  assertEquals(cells[at("(pictures)")].text, "24");
  assertEquals(without[at("Search (passes)")].text, "–");
  assertEquals(notes.filter((note) => /rounds|gradient/.test(note)).length, 2);
});
