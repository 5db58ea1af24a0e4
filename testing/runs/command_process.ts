/** For tests: the command in processes of their own. */
import { assert } from "@std/assert";

const config = new URL("../../deno.json", import.meta.url).pathname;
const script =
  new URL("../../experiments/commands/experiment.ts", import.meta.url).pathname;

/** Starts the command in a folder. */
export function startCommand(
  folder: string,
  args: readonly string[],
): Deno.ChildProcess {
  return new Deno.Command("deno", {
    cwd: folder,
    args: [
      "run",
      `--config=${config}`,
      "--allow-ffi",
      "--allow-read",
      "--allow-write",
      "--allow-sys=cpus,hostname",
      "--allow-run=deno",
      script,
      ...args,
    ],
    env: { NO_COLOR: "1" },
    stdout: "null",
    stderr: "piped",
  }).spawn();
}

/** Runs the command to its end. */
export async function finishCommand(
  folder: string,
  args: readonly string[],
): Promise<void> {
  const { success, stderr } = await startCommand(folder, args).output();
  assert(success, new TextDecoder().decode(stderr));
}

/** `--set` before each setting. */
export const setting = (settings: readonly string[]): string[] =>
  settings.flatMap((each) => ["--set", each]);

/** Rows of a `results.json` without what a clock says. */
export async function rowsWithoutTimes(path: string): Promise<unknown> {
  const { rows } = JSON.parse(
    await Deno.readTextFile(path),
    (key, value) =>
      key === "latencyMs" || key.startsWith("speedup") ? undefined : value,
  );
  return rows;
}
