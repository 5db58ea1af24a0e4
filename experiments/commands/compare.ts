/** `deno task compare`: shows several runs in one table, and in one report. */
import { dirname } from "node:path";
import { command, finish } from "./options/command.ts";
import {
  consoleTable,
  intervalsRow,
  quantilesRow,
  resultsRow,
} from "./options/console_table.ts";
import { oneOf, path } from "./options/option_table.ts";
import { entriesOf, isFile, statOf, writeAtomically } from "@dip-go/core/files";
import {
  joinReports,
  readRunDetails,
  type ReportedRun,
  reportPage,
} from "@dip-go/eval/report";
import { joinResults, readResults, renderTable } from "@dip-go/eval/tables";

const formats = ["text", "md", "csv", "json"] as const;

/** Runs the command on its arguments; errors are part of the result. */
export const compareCommand = command({
  refusal: "Cannot compare",
  about: "Prints the results of several runs as one table.",
  usage: ["deno task compare <name or run folder>... [options]"],
  words: {
    "<name>": "The latest finished run of an experiment",
    "<run folder>": "results/<name>/<run-id>, or its results.json",
  },
  options: {
    format: oneOf(formats)("<f>", formats.join(", "), { default: "text" }),
    intervals: intervalsRow,
    quantiles: quantilesRow,
    results: resultsRow,
    o: path(
      "<path>",
      "Write a report too: a folder gets report.html, or name the file",
    ),
  },
  notes:
    "▲ and ▼ mark what differs significantly, judged over the whole table: rows from the main method of their own run, on the same samples; main methods from the first run's, by the two intervals, where the runs prune the same model.",
}, async ({ format, o: target, results: root, ...options }, words) => {
  if (words.length === 0) {
    throw new TypeError(
      "Cannot compare: found no run, expected a name or a run folder; see --help",
    );
  }
  const runs = await Array.fromAsync(
    words,
    async (name) => reportedRun(await resultsFile(name, root)),
  );
  const all = runs.map(({ results }) => results);
  if (target !== undefined) await writeReport(target, runs);
  const table = format === "text"
    ? consoleTable(all, options)
    : renderTable(joinResults(all), format, options);
  return [table.trimEnd()];
});

/** A run by its `results.json`, with the `report.json` beside it if there is one. */
async function reportedRun(file: string): Promise<ReportedRun> {
  const report = file.replace(/results\.json$/, "report.json");
  return {
    results: await readResults(file),
    details: await readRunDetails(report),
  };
}

/** Writes the report of all runs to an `.html` file or into a folder. */
async function writeReport(
  target: string,
  runs: readonly ReportedRun[],
): Promise<void> {
  const path = target.endsWith(".html") ? target : `${target}/report.html`;
  await Deno.mkdir(dirname(path), { recursive: true });
  await writeAtomically(path, await reportPage(joinReports(runs)));
}

/** The `results.json` of a run folder, or of the latest finished run of an experiment. */
async function resultsFile(name: string, root: string): Promise<string> {
  const own = name.endsWith("results.json") ? name : `${name}/results.json`;
  if (await isFile(own)) return own;
  const runs: { file: string; time: number }[] = [];
  for (const run of await entriesOf(`${root}/${name}`)) {
    if (!run.isDirectory) continue;
    const file = `${root}/${name}/${run.name}/results.json`;
    const found = await statOf(file);
    if (found) runs.push({ file, time: found.mtime?.getTime() ?? 0 });
  }
  const [latest] = runs.sort((a, b) => b.time - a.time);
  if (latest) return latest.file;
  throw new Deno.errors.NotFound(
    `Cannot compare ${name}: found a results.json neither in it nor in a run of ${root}/${name}`,
  );
}

if (import.meta.main) finish(await compareCommand(Deno.args));
