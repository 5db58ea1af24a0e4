/**
 * Makes steps in an order in which each follows the ones that it reads. Other
 * processes may be at the same steps: what one of them makes is passed over and
 * asked for again.
 */
import type { Progress } from "./progress.ts";
import type { Step } from "./step.ts";
import type { StepStore } from "./step_store.ts";

/** The targets and every step before them, each after the ones that it reads. */
export function inOrder(targets: readonly Step[]): Step[] {
  const ordered = new Map<string, Step>();
  const visit = (step: Step) => {
    if (ordered.has(step.key)) return;
    step.after.forEach(visit);
    ordered.set(step.key, step);
  };
  targets.forEach(visit);
  return [...ordered.values()];
}

/** Milliseconds between two looks at what other processes make. */
const pollMs = 200;

/**
 * Makes what is missing of the targets and of the steps before them, or waits until another process has.
 *
 * @param options.later As `options.processes`, what {@linkcode Progress.add} takes.
 */
export async function makeSteps(
  targets: readonly Step[],
  { store, progress, ...counts }: {
    store: StepStore;
    progress: Progress;
    later?: number;
    processes?: number;
  },
): Promise<void> {
  const steps = inOrder(targets);
  const left = new Map(steps.map((step) => [step.key, step]));
  progress.add(steps, counts);
  for (const step of left.values()) {
    if (!await store.has(step)) continue;
    left.delete(step.key);
    progress.cached(step);
  }
  while (left.size > 0) {
    const before = left.size;
    for (const step of left.values()) {
      if (step.after.some(({ key }) => left.has(key))) continue;
      if (await settle(step, { store, progress })) left.delete(step.key);
      await progress.tell();
    }
    if (left.size < before) continue;
    progress.waits();
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/** Makes a step unless another process is at it: false. */
async function settle(
  step: Step,
  { store, progress }: { store: StepStore; progress: Progress },
): Promise<boolean> {
  if (step.applies && !await step.applies()) {
    progress.leftOut(step);
    return true;
  }
  progress.starts(step);
  const start = performance.now();
  const outcome = await store.make(
    step,
    (...report) => progress.within(step, ...report),
  );
  if (outcome === "made") progress.made(step, performance.now() - start);
  if (outcome === "found") progress.elsewhere(step);
  return outcome !== "busy";
}
