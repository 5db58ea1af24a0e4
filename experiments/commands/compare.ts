/** `deno task compare`: several runs in one table, and in one report. */
import { dirname } from "node:path";
import { command, type CommandResult, finish } from "./options/command.ts";
import { entriesOf, isFile, statOf, writeAtomically } from "@dip-go/core/files";
import {
  joinReports,
  readRunDetails,
  type ReportedRun,
  reportPage,
} from "@dip-go/eval/report";
import { joinResults, readResults, renderTable } from "@dip-go/eval/tables";

const help = `Prints the results of several runs as one table.

Usage: deno task compare <name or run folder>... [options]

  <name>        The latest finished run of an experiment
  <run folder>  results/<name>/<run-id>
  --format <f>  text, md, csv or json (default text)
  -o <path>     Write a report too: a folder gets report.html, or name the file
  --help        Print this

▲ and ▼ mark what differs significantly: rows from the main method of their own
run, on the same samples; main methods from the first run's, by the two
intervals, where the runs prune the same model.`;

const formats = ["text", "md", "csv", "json"] as const;

/** Runs the command on its arguments; errors are part of the result. */
export const compareCommand = (
  args: readonly string[],
  { root = "results" }: { root?: string } = {},
): Promise<CommandResult> =>
  command({
    refusal: "Cannot compare",
    help,
    values: { format: "text", o: undefined },
    words: true,
  }, async (options) => {
    if (options.words.length === 0) {
      throw new TypeError(
        "Cannot compare: found no run, expected a name or a run folder; see --help",
      );
    }
    const format = options.choice("format", formats);
    const target = options.path("o");
    const runs: ReportedRun[] = [];
    for (const name of options.words) {
      runs.push(await reportedRun(await resultsFile(name, root)));
    }
    const bold = Deno.stdout.isTerminal();
    const joined = joinResults(runs.map(({ results }) => results));
    if (target !== undefined) await writeReport(target, runs);
    return [renderTable(joined, format, { bold }).trimEnd()];
  })(args);

/** A run by its `results.json`, with the `report.json` beside it if there is one. */
async function reportedRun(file: string): Promise<ReportedRun> {
  const results = await readResults(file);
  const details = await readRunDetails(
    file.replace(/results\.json$/, "report.json"),
  );
  return details ? { results, details } : { results };
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
  const own = `${name}/results.json`;
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
