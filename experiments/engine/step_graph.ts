/** A graph of steps, known before any of them runs, and the functions that make its steps. */
import type { GraphLine } from "./graph_file.ts";
import type { Progress } from "./progress.ts";
import type { Report, Step, StepEnd } from "./step.ts";
import type { StepStore } from "./store/step_store.ts";

/** Steps in an order in which each follows the steps that it reads, latency steps last. */
export interface StepGraph {
  readonly steps: readonly Step[];
  /** The same steps as data. */
  readonly lines: readonly GraphLine[];
  /** The absolute path of the folder in which other processes find the steps by key. */
  readonly folder: string;
}

/** Makes a graph's missing steps, or hands them to a scheduler. */
export type Executor = (graph: StepGraph) => Promise<void>;

/** The targets and every step before them, in the order of {@linkcode StepGraph}. */
export function inOrder(targets: readonly Step[]): Step[] {
  const ordered = new Map<string, Step>();
  const visit = (step: Step) => {
    if (ordered.has(step.key)) return;
    step.after.forEach(visit);
    ordered.set(step.key, step);
  };
  targets.filter((step) => !isLast(step)).forEach(visit);
  targets.filter(isLast).forEach(visit);
  return [...ordered.values()];
}

/** Whether a step times rows, which it does after all other steps. */
export const isLast = ({ kind }: Step): boolean => kind === "latency";

/** Each step's level by its key: one above the steps that it reads; latency steps share the last level. */
export function levelsOf(steps: readonly Step[]): Map<string, number> {
  const levels = new Map<string, number>();
  const rest = steps.filter((step) => !isLast(step));
  for (const { key, after } of rest) {
    const before = after.map((step) => levels.get(step.key)!);
    levels.set(key, 1 + Math.max(-1, ...before));
  }
  const last = 1 + Math.max(-1, ...levels.values());
  for (const { key } of steps.filter(isLast)) levels.set(key, last);
  return levels;
}

/** The store and the progress that steps are made with. */
export interface StepMaker {
  readonly store: StepStore;
  readonly progress: Progress;
}

/** Finds the missing steps; the progress counts all steps, those in the store as cached. */
export async function missingOf(
  steps: readonly Step[],
  { store, progress }: StepMaker,
  processes = 1,
): Promise<Step[]> {
  progress.add(steps, { processes });
  const missing: Step[] = [];
  for (const step of steps) {
    if (await store.has(step)) progress.cached(step);
    else missing.push(step);
  }
  return missing;
}

/** Makes steps one after another. */
export async function makeSteps(
  steps: readonly Step[],
  { store, progress }: StepMaker,
): Promise<void> {
  for (const step of steps) {
    progress.starts(step);
    const { outcome, ms } = await makeStep(
      step,
      store,
      (...report) => progress.within(step, ...report),
    );
    progress.ended(step, outcome, ms);
    await progress.tell();
  }
}

/** Makes a step if it applies; the steps that it reads must be there. */
export async function makeStep(
  step: Step,
  store: StepStore,
  report?: Report,
): Promise<StepEnd> {
  const start = performance.now();
  const isLeftOut = step.applies && !await step.applies();
  const outcome = isLeftOut ? "left out" : await store.make(step, report);
  return { outcome, ms: performance.now() - start };
}
