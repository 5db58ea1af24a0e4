/** `deno task compare`: several runs in one table. */
import { parseArgs } from "@std/cli/parse-args";
import { type CommandResult, finish, resultOf } from "../core/command.ts";
import { joinResults } from "../eval/join_results.ts";
import { renderTable, type TableFormat } from "../eval/render_table.ts";
import { readResults, type Results } from "../eval/results.ts";

const help = `Prints the results of several runs as one table.

Usage: deno task compare <name or run folder>... [options]

  <name>        The latest finished run of an experiment
  <run folder>  results/<name>/<run-id>
  --format <f>  text, md, csv or json (default text)
  --help        Print this`;

/** Runs the command on its arguments; errors are part of the result. */
export function compareCommand(
  args: readonly string[],
  { root = "results" }: { root?: string } = {},
): Promise<CommandResult> {
  return resultOf(() => compare(args, root));
}

async function compare(
  args: readonly string[],
  root: string,
): Promise<CommandResult> {
  const options = parseArgs([...args], {
    boolean: ["help"],
    string: ["format", "_"],
    default: { format: "text" },
    unknown: refuseOption,
  });
  if (options.help) return { lines: [help], exitCode: 0 };
  if (options._.length === 0) {
    throw new TypeError(
      "Cannot compare: found no run, expected a name or a run folder; see --help",
    );
  }
  const format = formatOf(options.format);
  const runs: Results[] = [];
  for (const name of options._) {
    runs.push(await readResults(await resultsFile(name, root)));
  }
  const bold = Deno.stdout.isTerminal();
  const table = renderTable(joinResults(runs), format, { bold });
  return { lines: [table.trimEnd()], exitCode: 0 };
}

function refuseOption(option: string, key?: string): boolean {
  if (!key) return true;
  throw new TypeError(
    `Cannot compare: option ${option} is unknown; see --help`,
  );
}

function formatOf(text: string): TableFormat {
  if (text === "text" || text === "md" || text === "csv" || text === "json") {
    return text;
  }
  throw new RangeError(
    `Cannot compare: --format is "${text}", expected text, md, csv or json`,
  );
}

/** The `results.json` of a run folder, or of the latest finished run of an experiment. */
async function resultsFile(name: string, root: string): Promise<string> {
  const own = `${name}/results.json`;
  if (await writtenAt(own) !== null) return own;
  const runs: { file: string; time: number }[] = [];
  for (const run of await foldersOf(`${root}/${name}`)) {
    const file = `${root}/${name}/${run}/results.json`;
    const time = await writtenAt(file);
    if (time !== null) runs.push({ file, time });
  }
  const [latest] = runs.sort((a, b) => b.time - a.time);
  if (latest) return latest.file;
  throw new Deno.errors.NotFound(
    `Cannot compare ${name}: found a results.json neither in it nor in a run of ${root}/${name}`,
  );
}

/** When a file was written, in milliseconds, or null if there is none. */
async function writtenAt(path: string): Promise<number | null> {
  try {
    return (await Deno.stat(path)).mtime?.getTime() ?? 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

async function foldersOf(path: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(path)))
      .filter(({ isDirectory }) => isDirectory).map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

if (import.meta.main) finish(await compareCommand(Deno.args));
