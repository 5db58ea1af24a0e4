/** Options for the engine that makes an experiment's steps, and the executor that they name. */
import { printExecutor } from "../../engine/executors/print_executor.ts";
import { slurmExecutor } from "../../engine/executors/slurm/slurm_executor.ts";
import { denoCommand } from "../../engine/executors/deno_command.ts";
import type { Executor } from "../../engine/step_graph.ts";
import {
  dashed,
  flag,
  oneOf,
  type OptionValues,
  text,
  whole,
} from "./option_table.ts";

/** Options for the engine. */
export const engineRows = {
  engine: oneOf(["local", "slurm", "print"])(
    "<e>",
    "What makes the steps: local, processes of this machine; slurm, arrays of tasks that sbatch is given; print, nothing: a line of JSON a step, with its command and the steps that it follows",
    { default: "local" },
  ),
  print: flag("With slurm: write the scripts, and submit nothing"),
  partition: text("<p>", "With slurm: of all tasks"),
  gpus: whole(1)("<n>", "With slurm: of a task"),
  time: text("<t>", "With slurm: the limit of a task, as sbatch reads it"),
  cpus: whole(1)("<n>", "With slurm: cores of a task (default 4)"),
  "max-jobs": whole(1, 1000)(
    "<n>",
    "With slurm: tasks of an array, among which its steps are divided (default 64)",
  ),
};

/** The arguments without options for the engine: the part that a run's figures depend on. */
export function withoutEngine(args: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const [option, value] = args[i].slice(2).split("=", 2);
    if (!args[i].startsWith("--") || !Object.hasOwn(engineRows, option)) {
      kept.push(args[i]);
    } else if (option !== "print" && value === undefined) i++;
  }
  return kept;
}

const program = new URL("../experiment.ts", import.meta.url);

/**
 * The executor of an experiment's or study's steps; undefined if this command makes them itself.
 *
 * @throws {RangeError} If an option for slurm is given with another engine.
 */
export function executorOf(
  { engine, print, ...options }: OptionValues<typeof engineRows>,
  { name, args, isDry, log }: {
    readonly name: string;
    readonly args: readonly string[];
    /** Whether the executor may only write scripts, and submit nothing. */
    readonly isDry: boolean;
    readonly log: (line: string) => void;
  },
): Executor | undefined {
  const { partition, gpus, time, cpus, maxJobs } = options;
  const slurm = { partition, gpus, time, cpus, maxJobs };
  const own = { print: print || undefined, ...slurm };
  const odd = Object.entries(own).find(([, value]) => value !== undefined);
  if (odd && engine !== "slurm") {
    throw new RangeError(
      `Cannot run an experiment: found ${
        dashed(odd[0])
      } and --engine ${engine}, expected --engine slurm`,
    );
  }
  if (engine === "print") return printExecutor(log);
  if (engine === "local") return undefined;
  return slurmExecutor({
    ...slurm,
    cpus: cpus ?? 4,
    maxJobs: maxJobs ?? 64,
    name,
    log,
    print: print || isDry,
    report: denoCommand(program, {
      args: withoutEngine(args).filter((arg) => arg !== "--dry-run"),
      runs: ["git", Deno.execPath()],
    }),
  });
}
