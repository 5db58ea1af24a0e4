/** For tests: the experiment command in a process of its own. */
import { assert } from "@std/assert";

const config = new URL("../../deno.json", import.meta.url).pathname;
const script =
  new URL("../../experiments/commands/experiment.ts", import.meta.url).pathname;

/** Starts the experiment command in a folder. */
export function startCommand(
  folder: string,
  args: readonly string[],
): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    cwd: folder,
    args: [
      "run",
      `--config=${config}`,
      "--allow-ffi",
      "--allow-read",
      "--allow-write",
      "--allow-sys=cpus,hostname",
      `--allow-run=${Deno.execPath()},sh`,
      script,
      ...args,
    ],
    env: { NO_COLOR: "1" },
    stdout: "null",
    stderr: "piped",
  }).spawn();
}

/** Runs the experiment command to its end. */
export async function finishCommand(
  folder: string,
  args: readonly string[],
): Promise<void> {
  const { success, stderr } = await startCommand(folder, args).output();
  assert(success, new TextDecoder().decode(stderr));
}

/** Runs the command to its end as `deno task experiment` does, with nothing on the PATH. */
export async function finishTask(
  folder: string,
  args: readonly string[],
): Promise<void> {
  const { tasks } = JSON.parse(await Deno.readTextFile(config));
  const task = tasks.experiment
    .replace("deno run", `deno run --config='${config}'`)
    .replace(/\S+$/, `'${script}'`);
  const quoted = args.map((arg) => `'${arg}'`).join(" ");
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    cwd: folder,
    args: ["task", "--eval", `${task} ${quoted}`],
    env: { NO_COLOR: "1", PATH: "" },
    stdout: "null",
  }).output();
  assert(success, new TextDecoder().decode(stderr));
}

/** The arguments for settings: `--set` before each. */
export const setting = (settings: readonly string[]): string[] =>
  settings.flatMap((each) => ["--set", each]);
