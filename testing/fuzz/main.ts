/** `deno task fuzz`: damages thousands of files, loads them and lists the mishaps. */
import { command, finish, path, whole } from "@dip-go/experiments/commands";
import { alignedLines } from "@dip-go/eval/tables";
import { fuzz, type FuzzReport } from "./fuzz.ts";
import { victims } from "./victims/victims.ts";

/** Milliseconds after which a load counts as hung. */
const patience = 20_000;

const fuzzCommand = command({
  refusal: "Cannot fuzz",
  about:
    "Damages files of models, schedulers, tokenizers, prompts, pictures and statistics, one at a time, and loads them.",
  usage: ["deno task fuzz [options]"],
  options: {
    count: whole(1)(
      "<n>",
      `Damaged files, over ${Object.keys(victims).length} kinds in turn`,
      { default: "10000" },
    ),
    seed: whole(0)("<n>", "Of the damage", { default: "0" }),
    o: path("<folder>", "Where folders and mishaps lie", {
      default: "results/fuzz",
    }),
  },
  notes:
    "Each must load, or be refused with one error that names the file: no crash, no hang. A file without its end, or a configuration with a key that nobody knows, must be refused. What is not taken well is kept, and the exit code is 1.",
}, async ({ count, seed, o: folder }) => {
  const report = await fuzz({
    count,
    seed,
    patience,
    folder,
    onProgress(done) {
      if (done % 500 === 0) console.error(`${done}/${count}`);
    },
  });
  const exitCode = report.mishaps.length === 0 ? 0 : 1;
  return { lines: linesOf(report), exitCode };
});

/** A line for each mishap, and a table of the outcomes of each kind of file. */
function linesOf({ counts, mishaps }: FuzzReport): string[] {
  const rows = [...counts].map(([name, { loaded, refused, mishaps }]) =>
    [name, loaded, refused, mishaps].map(String)
  );
  const total = [1, 2, 3].map((column) =>
    rows.reduce((sum, row) => sum + Number(row[column]), 0)
  );
  return [
    ...mishaps.map(({ victim, file, reason }) =>
      `${victim}  ${file}\n  ${reason}`
    ),
    ...alignedLines([
      ["kind", "loaded", "refused", "not taken well"],
      ...rows,
      ["all", ...total.map(String)],
    ], { left: 1 }),
  ];
}

if (import.meta.main) finish(await fuzzCommand(Deno.args));
