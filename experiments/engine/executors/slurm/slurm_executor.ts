/** Hands a graph's missing steps to Slurm (`sbatch`), whose dependencies and requeueing do the rest. */
import { writeAtomically } from "@dip-go/core/files";
import { missingLines } from "../../graph_file.ts";
import type { Executor } from "../../step_graph.ts";
import {
  arrayScript,
  quoted,
  reportScript,
  type SlurmOptions,
  submitScript,
} from "./array_scripts.ts";
import { shell, submissions, submittedTasks } from "./queue.ts";
import { taskArrays } from "./task_arrays.ts";

/** The options of a graph's submission. */
export interface Submission extends SlurmOptions {
  readonly name: string;
  readonly maxJobs: number;
  /** The command that writes the run's folder when all steps are made. */
  readonly report: readonly string[];
  /** Whether the scripts are only written. */
  readonly print: boolean;
  /** Takes a line about what was written and submitted. */
  readonly log: (line: string) => void;
}

/** Writes array scripts into a folder within the graph's and submits them, without made and queued steps. */
export const slurmExecutor = (
  { name, maxJobs, report, print, log, ...options }: Submission,
): Executor =>
async ({ lines, folder: graph }) => {
  const queued = print ? new Map<string, string>() : await queuedSteps(graph);
  const missing = (await missingLines(lines))
    .filter(({ key }) => !queued.has(key));
  if (missing.length === 0 && queued.size > 0) {
    return log(`nothing is missing: ${queued.size} steps are in the queue`);
  }
  const arrays = taskArrays(missing, { queued, maxJobs });
  const folder = `${graph}/slurm-${1 + (await submissions(graph)).length}`;
  const cwd = Deno.cwd();
  const place = { ...options, name, folder, graph, cwd };
  await Deno.mkdir(`${folder}/logs`, { recursive: true });
  const write = (file: string, text: string) =>
    writeAtomically(`${folder}/${file}`, text);
  for (const array of arrays) {
    const keys = array.tasks.map((task) => `${task.join(" ")}\n`).join("");
    await write(`${array.name}.txt`, keys);
    await write(`${array.name}.sh`, arrayScript(array, place));
    const steps = array.tasks.flat().length;
    log(`${array.name}: ${steps} steps in ${array.tasks.length} tasks`);
  }
  await write("report.sh", reportScript(report, place));
  await write("submit.sh", submitScript(arrays, place));
  if (print) return log(`written: sh ${folder}/submit.sh submits it`);
  await shell(`sh ${quoted(`${folder}/submit.sh`)}`);
  log(
    `submitted ${folder}; deno task experiment status ${graph} says how far it is`,
  );
};

/** The jobs of steps that wait in the queue or run, by the steps' keys. */
async function queuedSteps(graph: string): Promise<Map<string, string>> {
  const tasks = await submittedTasks(graph);
  return new Map(
    tasks.filter(({ state }) => state !== null)
      .flatMap(({ keys, job }) => keys.map((key) => [key, job])),
  );
}
