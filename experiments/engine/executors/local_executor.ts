/** Makes a graph's steps on this machine: in this process, or in child processes that are given one step at a time. */
import { type Child, startChild } from "./child.ts";
import type { Progress } from "../progress.ts";
import type { Step } from "../step.ts";
import {
  type Executor,
  isLast,
  makeSteps,
  missingOf,
  type StepMaker,
} from "../step_graph.ts";

/** Makes steps in `jobs` processes, but timed steps, or all if a timed one lies between others, in this one. */
export function localExecutor(
  maker: StepMaker,
  { jobs }: { readonly jobs: number },
): Executor {
  return async ({ steps, folder }) => {
    const missing = await missingOf(steps, maker, jobs);
    await maker.progress.tell();
    const isFirst = ({ alone, after }: Step) => alone && after.length === 0;
    const isBetween = (step: Step) =>
      step.alone && !isFirst(step) && !isLast(step);
    if (jobs === 1 || missing.some(isBetween)) {
      return await makeSteps(missing, maker);
    }
    await makeSteps(missing.filter(isFirst), maker);
    const shared = missing.filter((step) => !step.alone);
    if (shared.length > 0) {
      await using children = new AsyncDisposableStack();
      const share = Math.floor(navigator.hardwareConcurrency / jobs);
      const started = Array.from(
        { length: jobs },
        (_, i) =>
          children.use(startChild(folder, {
            name: `worker ${i + 1} of ${jobs}`,
            threads: Math.max(1, share),
            log: maker.progress.log,
          })),
      );
      await makeTogether(shared, started, maker.progress);
    }
    await makeSteps(missing.filter(isLast), maker);
  };
}

/** The steps that are left, and those of them that a child has taken. */
class Work {
  /** The keys of the steps that are left; several objects may be steps of one key. */
  readonly #left: Set<string>;
  readonly #taken = new Set<string>();
  #changed = Promise.withResolvers<void>();

  constructor(private readonly steps: readonly Step[]) {
    this.#left = new Set(steps.map(({ key }) => key));
  }

  get left(): number {
    return this.#left.size;
  }

  /** Waits for a ready step, takes the first from index `from` on, cyclically; undefined if none is left. */
  async next(from: number): Promise<Step | undefined> {
    while (this.left > 0) {
      const { steps } = this;
      const turned = [...steps.slice(from), ...steps.slice(0, from)];
      const step = turned.find((each) => this.#isReady(each));
      if (step) {
        this.#taken.add(step.key);
        return step;
      }
      await this.#changed.promise;
    }
  }

  #isReady({ key, after }: Step): boolean {
    return this.#left.has(key) && !this.#taken.has(key) &&
      !after.some((before) => this.#left.has(before.key));
  }

  /** Notes that a taken step is done, or free for another child. */
  ended({ key }: Step, isDone: boolean): void {
    this.#taken.delete(key);
    if (isDone) this.#left.delete(key);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** Gives each child one step at a time, of its own stretch of the order first: neighbours share sessions. */
export async function makeTogether(
  steps: readonly Step[],
  children: readonly Pick<Child, "make">[],
  progress: Progress,
): Promise<void> {
  const work = new Work(steps);
  const serve = async (child: Pick<Child, "make">, index: number) => {
    let at = Math.floor(index * steps.length / children.length);
    for (let step; (step = await work.next(at));) {
      const made = step;
      at = steps.indexOf(made);
      const ended = await child.make(
        made,
        (...report) => progress.within(made, ...report),
      );
      work.ended(made, ended !== undefined);
      if (!ended) return;
      progress.ended(made, ended.outcome, ended.ms);
      await progress.tell();
    }
  };
  await Promise.all(children.map(serve));
  if (work.left === 0) return;
  throw new Error(
    `Cannot go on: all ${children.length} workers ended, ${work.left} steps are left`,
  );
}
