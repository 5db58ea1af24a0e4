import { assert, assertEquals } from "@std/assert";
import {
  hostileMethod,
  hostileResults,
  hostileRun,
} from "@dip-go/testing/browser";
import { joinReports, pictureBytes } from "./join_reports.ts";
import { reportPage } from "./report_page.ts";

Deno.test("joinReports() has the rows of the text table with their numbers", () => {
  const { columns, rows, notes, metrics } = joinReports([hostileRun()]);
  assertEquals(rows.map(({ name }) => name), [
    "full",
    `${hostileMethod}, 50 %`,
    "dip-go, 50 %",
    `${hostileMethod}, 75 %`,
    "dip-go, 75 %",
    "dip-go (paper), 75 %",
  ]);
  assertEquals(metrics.map(({ name }) => name), ["psnr", "clip"]);
  const psnr = columns.findIndex(({ header }) => header === "PSNR (dB) ↑");
  assertEquals(rows[1].cells[psnr], {
    text: "30.00 [29.00, 31.00] ▼",
    value: 30,
    metric: { mean: "30.00", interval: "[29.00, 31.00]", mark: "▼" },
    best: false,
  });
  // Every row states its sparsity, because readers can sort the table.
  assertEquals(rows[2].cells[0], { text: "50 %", value: 0.5 });
  assertEquals([rows[3].macsKept, rows[3].timeKept], [0.25, 0.25]);
  assertEquals(rows[3].metrics.psnr, { mean: 20, low: 19, high: 21 });
  assertEquals(rows.map(({ paper }) => paper).indexOf(true), 5);
  assert(notes.some((note) => note.includes("from the paper")));
});

Deno.test("joinReports() gives rows their gates and pictures, and the run its facts and command", () => {
  const { rows, runs: [run] } = joinReports([hostileRun()]);
  assertEquals(rows[2].gates, ["111", "101", "000", "011"]);
  // A row of the paper's numbers has no gates, though a measured row has its name and sparsity.
  assertEquals([rows[1].gates, rows[5].gates], [undefined, undefined]);
  assertEquals(rows[0].pictures?.length, 3);
  assert(rows[0].pictures![0].startsWith("data:image/png;base64,"));
  assert(rows[0].pictures![0] !== rows[1].pictures![0]);
  assertEquals(run.mainMethod, "dip-go");
  assertEquals(run.facts.slice(0, 3), [
    ["Model", "zoo/models/<toy>"],
    ["Sampler", "ddim, 4 steps, guidance 2"],
    ["Samples", "24"],
  ]);
  assertEquals(run.command, hostileResults.command);
});

Deno.test("joinReports() keeps runs apart, with and without details", () => {
  const bare = { results: hostileResults };
  const { title, lead, rows, runs } = joinReports([bare, hostileRun()]);
  assertEquals(title, "toy");
  assertEquals(lead, "2 runs, side by side");
  assertEquals(runs.map(({ name }) => name), ["toy", "toy (2)"]);
  const dipGo = rows.filter(({ method, sparsity, paper }) =>
    method === "dip-go" && sparsity === 0.5 && !paper
  );
  assertEquals(dipGo.map(({ run }) => run), [0, 1]);
  assertEquals(dipGo.map(({ series }) => series), [
    "toy: dip-go",
    "toy (2): dip-go",
  ]);
  assertEquals(dipGo.map(({ gates }) => gates?.length), [undefined, 4]);
});

Deno.test("joinReports() leaves out values of a curve that are not finite, which the page cannot draw", () => {
  const run = hostileRun();
  const curves = [
    { name: "diverged", points: [[0, NaN], [1, 0.5], [2, NaN]] as const },
    { name: "nothing", points: [[0, NaN]] as const },
  ];
  const details = { ...run.details!, curves };
  assertEquals(joinReports([{ ...run, details }]).runs[0].curves, [
    { name: "diverged", points: [[1, 0.5]] },
  ]);
});

Deno.test("joinReports() shows fewer pairs if pictures are large, and the page stays under 5 MB", async () => {
  const run = hostileRun();
  const large = "x".repeat(Math.floor(pictureBytes / 12));
  const rows = run.details!.rows.map((row) => ({
    ...row,
    pictures: [large, large, large],
  }));
  // five rows, a twelfth of the budget each: two pairs fit, in two runs one
  const details = { ...run.details!, rows };
  const one = joinReports([{ ...run, details }]);
  assertEquals(one.rows[1].pictures?.length, 2);
  const two = joinReports([{ ...run, details }, { ...run, details }]);
  assertEquals(two.rows[2].pictures?.length, 1);
  for (const data of [one, two]) {
    assert((await reportPage(data)).length < 5_000_000);
  }
});
