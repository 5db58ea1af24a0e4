/** The tasks that were submitted for a graph, with their states in Slurm's queue. */
import { entriesOf, isFile } from "@dip-go/core/files";

/** A task of an earlier submission. */
export interface SubmittedTask {
  /** The id of its array's job. */
  readonly job: string;
  /** The state that `squeue` prints; null once the task has left the queue. */
  readonly state: string | null;
  readonly keys: readonly string[];
  readonly log: string;
}

/** Folders of a graph's submissions, first to last. */
export async function submissions(graph: string): Promise<string[]> {
  const names = (await entriesOf(graph)).map(({ name }) => name)
    .filter((name) => /^slurm-\d+$/.test(name));
  return names.sort((a, b) => numberOf(a) - numberOf(b))
    .map((name) => `${graph}/${name}`);
}

const numberOf = (name: string) => Number(name.slice("slurm-".length));

/** All tasks that were submitted for a graph, first to last. */
export async function submittedTasks(graph: string): Promise<SubmittedTask[]> {
  const tasks: SubmittedTask[] = [];
  const folders = await submissions(graph);
  const states = folders.length > 0 ? await queueStates() : new Map();
  for (const folder of folders) {
    if (!await isFile(`${folder}/jobs.txt`)) continue;
    const lines = await linesOf(`${folder}/jobs.txt`);
    for (const [name, job] of lines.map((line) => line.split(" "))) {
      if (name === "report") continue;
      for (
        const [i, keys] of (await linesOf(`${folder}/${name}.txt`)).entries()
      ) {
        tasks.push({
          job,
          state: states.get(`${job}_${i}`) ?? null,
          keys: keys.split(" "),
          log: `${folder}/logs/${name}-${i}.log`,
        });
      }
    }
  }
  return tasks;
}

const linesOf = async (path: string): Promise<string[]> =>
  (await Deno.readTextFile(path)).trim().split("\n");

/** States of the user's array tasks, by `<job>_<task>`. */
async function queueStates(): Promise<Map<string, string>> {
  const text = await shell("squeue -h -r -o '%F_%K %T'");
  return new Map(
    text.trim().split("\n").map((line) => line.split(" ") as [string, string]),
  );
}

/** Returns the output of a shell's line. @throws {Error} If the line fails, with its standard error. */
export async function shell(line: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", line],
  }).output();
  if (success) return new TextDecoder().decode(stdout);
  const said = new TextDecoder().decode(stderr).trim();
  throw new Error(`Cannot ask Slurm: ${said}`);
}
