/** The progress of a graph, from its store, the claims beside its steps, and Slurm's queue. */
import { isFile } from "@dip-go/core/files";
import { type GraphLine, missingLines } from "../graph_file.ts";
import { duration } from "../progress.ts";
import { isClaimed } from "../store/claim.ts";
import { madeFile, type MadeStep } from "../store/step_store.ts";
import { type SubmittedTask, submittedTasks } from "./slurm/queue.ts";

/**
 * Sorts missing steps: a task that runs or ended is, or was, at the first of its steps that is missing.
 *
 * @param claimed The missing steps that a process of this machine makes.
 */
export function statesOf(
  steps: readonly GraphLine[],
  missing: readonly GraphLine[],
  { tasks, claimed }: {
    readonly tasks: readonly SubmittedTask[];
    readonly claimed: readonly GraphLine[];
  },
) {
  const left = new Map(missing.map((step) => [step.key, step]));
  const running = new Set(claimed);
  const failed = new Map<string, { step: GraphLine; log: string }>();
  for (const { state, keys, log } of tasks) {
    const key = keys.find((each) => left.has(each));
    if (key === undefined) continue;
    const step = left.get(key)!;
    failed.delete(key); // a later submission tries it again
    if (state === "RUNNING") running.add(step);
    const isReady = !step.after.some((before) => left.has(before));
    if (state === null && isReady) failed.set(key, { step, log });
  }
  return {
    done: steps.length - missing.length,
    running: [...running],
    failed: [...failed.values()],
    waiting: missing.length - running.size - failed.size,
  };
}

/** Milliseconds that steps take one after another, by times of their kinds; a kind without times makes it partial. */
export function timeOf(
  steps: readonly GraphLine[],
  made: readonly MadeStep[],
): { readonly ms: number; readonly isPartial: boolean } {
  const rates = new Map(
    [...Map.groupBy(made, ({ kind }) => kind)].map(([kind, all]) => {
      const sum = (of: (each: MadeStep) => number) =>
        all.reduce((total, each) => total + of(each), 0);
      const [ms, cost] = [sum((each) => each.ms), sum((each) => each.cost)];
      return [kind, { each: ms / all.length, unit: cost > 0 ? ms / cost : 0 }];
    }),
  );
  let ms = 0;
  let isPartial = false;
  for (const { kind, cost } of steps) {
    const rate = rates.get(kind);
    if (!rate) isPartial = true;
    else ms += cost > 0 && rate.unit > 0 ? cost * rate.unit : rate.each;
  }
  return { ms, isPartial };
}

/** The steps of {@linkcode madeFile}'s text; a killed process may have left half of one. */
export const madeSteps = (text: string): MadeStep[] =>
  text.match(/\{[^{}]*\}/g)?.map((step) => JSON.parse(step)) ?? [];

/** The lines of `experiment status`. */
export async function statusLines(
  { name, steps, root, folder }: {
    readonly name: string;
    readonly steps: readonly GraphLine[];
    readonly root: string;
    readonly folder: string;
  },
): Promise<string[]> {
  const missing = await missingLines(steps);
  const tasks = await submittedTasks(folder);
  const claims = await Promise.all(
    missing.map(({ path }) => isClaimed(`${path}.claim`)),
  );
  const claimed = missing.filter((_, i) => claims[i]);
  const states = statesOf(steps, missing, { tasks, claimed });
  const { done, running, failed, waiting } = states;
  const file = madeFile(root);
  const text = await isFile(file) ? await Deno.readTextFile(file) : "";
  const { ms, isPartial } = timeOf(missing, madeSteps(text));
  const processes = Math.max(1, running.length);
  const left = isPartial && ms === 0
    ? "unknown"
    : `${isPartial ? "more than" : "about"} ${duration(ms / processes)}`;
  return [
    `${name}: ${done} of ${steps.length} steps done, ${running.length} running, ${failed.length} failed, ${waiting} waiting${
      missing.length > 0 ? `; time left: ${left}` : ""
    }`,
    ...running.map(({ kind, name }) => `running: ${kind} ${name}`),
    ...failed.map(({ step, log }) =>
      `failed: ${step.kind} ${step.name}, see ${log}`
    ),
  ];
}
