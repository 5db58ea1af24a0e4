/** Prints a graph's missing steps for any scheduler: lines of JSON with a step's command and earlier steps. */
import { quoted } from "./slurm/array_scripts.ts";
import { workerCommand } from "./child.ts";
import { missingLines } from "../graph_file.ts";
import type { Executor } from "../step_graph.ts";

/** @param log Takes the lines. */
export const printExecutor =
  (log: (line: string) => void): Executor => async ({ lines, folder }) => {
    const missing = await missingLines(lines);
    const keys = new Set(missing.map(({ key }) => key));
    const command = workerCommand(folder, 0).map(quoted).join(" ");
    for (const { key, kind, name, after, cost, memory } of missing) {
      log(JSON.stringify({
        key,
        kind,
        name,
        after: after.filter((before) => keys.has(before)),
        cost,
        memory,
        command: `${command} ${key}`,
      }));
    }
  };
