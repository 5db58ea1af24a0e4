/** Slurm's batch scripts: one an array, whose tasks find steps by key in the shared store, and one to submit. */
import { workerCommand } from "../child.ts";
import type { TaskArray } from "./task_arrays.ts";

/** The cluster's resources that a user asks for. */
export interface SlurmOptions {
  readonly partition?: string;
  readonly gpus?: number;
  /** The time limit of a task, in `sbatch`'s format. */
  readonly time?: string;
  /** Cores of a task. */
  readonly cpus: number;
}

/** The options, names and folders that scripts contain. */
export interface ScriptPlace extends SlurmOptions {
  /** The name of the experiment or study. */
  readonly name: string;
  /** Folder of the scripts, absolute. */
  readonly folder: string;
  /** Folder of the graph, absolute. */
  readonly graph: string;
  /** The folder that relative paths of the experiment start from. */
  readonly cwd: string;
}

/** The number of times that a failed task is tried again. */
const retries = 2;

/** The megabytes that a task asks for: the estimate, a tenth of it more, and 1,000 for the runtime. */
const megabytesAsked = (bytes: number) => Math.ceil(1000 + 1.1 * bytes / 1e6);

/** A word in quotes for a shell, if it needs them. */
export const quoted = (word: string): string =>
  /^[\w./:=+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

const shellLine = (words: readonly string[]) => words.map(quoted).join(" ");

/** The `sbatch` options that all scripts have. */
function directives(
  { name, folder, cwd, partition, gpus, time }: ScriptPlace,
  array: string,
): string[] {
  return [
    `--job-name=${name}-${array}`,
    `--chdir="${cwd}"`,
    "--open-mode=append",
    "--requeue",
    "--kill-on-invalid-dep=yes",
    ...partition ? [`--partition=${partition}`] : [],
    ...gpus ? [`--gpus=${gpus}`] : [],
    ...time ? [`--time=${time}`] : [],
    `--output="${folder}/logs/${array}-%a.log"`,
  ];
}

const scriptOf = (asked: readonly string[], lines: readonly string[]) =>
  [
    "#!/bin/bash",
    ...asked.map((option) => `#SBATCH ${option}`),
    ...lines,
    "",
  ].join("\n");

/** The script of an array: task i makes the steps of line i + 1 of `<array>.txt`. */
export function arrayScript(
  { name, tasks, memory, alone }: TaskArray,
  place: ScriptPlace,
): string {
  const { cpus, folder, graph } = place;
  const keys = quoted(`${folder}/${name}.txt`);
  return scriptOf([
    ...directives(place, name),
    `--array=0-${tasks.length - 1}`,
    `--cpus-per-task=${cpus}`,
    `--mem=${megabytesAsked(memory)}M`,
    ...alone ? ["--exclusive"] : [],
  ], [
    `keys=$(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" ${keys})`,
    `${shellLine(workerCommand(graph, alone ? 0 : cpus))} $keys && exit`,
    "code=$?",
    "# a task that was killed goes on where it was",
    `[ "\${SLURM_RESTART_COUNT:-0}" -lt ${retries} ] || exit $code`,
    'for pause in 5 30 120; do scontrol requeue "$SLURM_JOB_ID" && break; sleep $pause; done',
    "exit $code",
  ]);
}

/** The script of the last job, which writes the run's folder from the steps that were made. */
export const reportScript = (
  command: readonly string[],
  place: ScriptPlace,
): string =>
  scriptOf(
    [...directives(place, "report"), `--cpus-per-task=${place.cpus}`],
    [shellLine(command)],
  );

/** The script that submits the arrays in order and the report after them, and notes their jobs in `jobs.txt`. */
export function submitScript(
  arrays: readonly TaskArray[],
  { folder }: Pick<ScriptPlace, "folder">,
): string {
  const jobs = [
    ...arrays,
    { name: "report", after: arrays.map((_, i) => i), afterJobs: [] },
  ];
  return [
    "#!/bin/sh",
    "set -eu",
    `cd ${quoted(folder)}`,
    "submit() {",
    '  name=$1; shift; id=$(sbatch --parsable "$@" "$name.sh"); id=${id%%;*}',
    '  echo "$name $id" >> jobs.txt; echo "$id"',
    "}",
    ...jobs.map(({ name, after, afterJobs }, i) => {
      const before = [...after.map((place) => `$j${place}`), ...afterJobs];
      const dependency = before.length > 0
        ? ` --dependency=afterok:${before.join(":")}`
        : "";
      return `j${i}=$(submit ${name}${dependency})`;
    }),
    "",
  ].join("\n");
}
