/** Says what is being made, what was cached, what is left and for how long: one line that changes, or a line a step. */
import type { Step, StepKind, StepOutcome } from "./step.ts";

/** What is said of steps that were not made here. */
const endings = { made: "", found: ", elsewhere", "left out": ", left out" };

/** Where progress is said. */
export interface ProgressOutput {
  /** Takes a line. */
  readonly log: (line: string) => void;
  /** Shows a line in place of the last one, with a bar where the done share is told; where there is none, steps are logged. */
  readonly status?: (line: string, share?: number) => void;
}

/** Steps after which a line is due. */
interface Watched {
  readonly left: Set<string>;
  readonly line: () => Promise<string>;
  /** Whether one of them was made since. */
  fresh: boolean;
}

/** Counts the steps of a run, which may become known in turns. */
export class Progress {
  /** What steps of a kind took here: milliseconds, and their cost. */
  readonly #measured = new Map<StepKind, { ms: number; cost: number }>();
  readonly #known = new Set<string>();
  readonly #left = new Map<string, Step>();
  #processes = 1;
  #cached = 0;
  #watched: Watched[] = [];
  readonly #began = performance.now();
  #here = 0;
  #lastLine = -Infinity;

  constructor(private readonly output: ProgressOutput) {}

  /** Says a line. */
  readonly log = (line: string): void => this.output.log(line);

  /**
   * Counts steps that are to be made next; those that were counted before are not again.
   *
   * @param options.processes How many work on these at once; 1 by default.
   */
  add(
    steps: readonly Step[],
    { processes = 1 }: { processes?: number } = {},
  ): void {
    for (const step of steps) {
      if (!this.#known.has(step.key)) this.#left.set(step.key, step);
      this.#known.add(step.key);
    }
    this.#processes = processes;
  }

  /** Says a line once all of these steps are there, unless all were there before. */
  whenMade(steps: readonly Step[], line: () => Promise<string>): void {
    const left = new Set(steps.map(({ key }) => key));
    this.#watched.push({ left, line, fresh: false });
  }

  /** Says the lines that are due. */
  async tell(): Promise<void> {
    const due = this.#watched.filter(({ left }) => left.size === 0);
    this.#watched = this.#watched.filter(({ left }) => left.size > 0);
    for (const { line, fresh } of due) if (fresh) this.log(await line());
  }

  #settle({ key }: Step, fresh: boolean): void {
    for (const watched of this.#watched) {
      if (watched.left.delete(key)) watched.fresh ||= fresh;
    }
  }

  /** A step was there before. */
  cached(step: Step): void {
    if (this.#left.delete(step.key)) this.#cached++;
    this.#settle(step, false);
  }

  /** A step is looked at; shown where lines can be taken back. */
  starts({ kind, name }: Step): void {
    this.output.status?.(this.#line(`${kind} ${name}`), this.#share);
  }

  /** A step ended after so many milliseconds. */
  ended(step: Step, outcome: StepOutcome, ms: number): void {
    if (outcome === "made") {
      const measured = this.#measured
        .getOrInsertComputed(step.kind, () => ({ ms: 0, cost: 0 }));
      measured.ms += ms;
      measured.cost += step.cost;
      this.#here++;
    }
    this.#left.delete(step.key);
    this.#settle(step, true);
    this.#say(`${step.kind} ${step.name}${endings[outcome]}`);
  }

  /** So much of a step is done, and how well; said at most every ten seconds where lines stay. */
  within(
    { kind, name }: Step,
    done: number,
    total: number,
    values: Readonly<Record<string, number>> = {},
  ): void {
    const isFresh = performance.now() - this.#lastLine < 10_000;
    if (!this.output.status && isFresh) return;
    const facts = [`${done} of ${total}`, ...valueTexts(values)];
    this.#say(`(${facts.join(", ")}) ${kind} ${name}`);
  }

  #say(what: string): void {
    const { log, status = log } = this.output;
    status(this.#line(what), this.#share);
    this.#lastLine = performance.now();
  }

  /** Done of all steps that are known of. */
  get #share(): number {
    const all = this.#known.size;
    return (all - this.#left.size) / Math.max(1, all);
  }

  #line(what: string): string {
    const done = this.#known.size - this.#left.size;
    const left = this.#left.size;
    const counts = [
      `${done}/${done + left}`,
      ...this.#cached > 0 ? [`${this.#cached} cached`] : [],
      ...left > 0 ? [`${left} left`] : [],
      ...this.output.status && this.#here > 0
        ? [rateText(this.#here, performance.now() - this.#began)]
        : [],
      ...this.#timeLeft(),
    ];
    return `${counts.join(", ")}: ${what}`;
  }

  /** From what steps of the same kind took here; kinds of which none was made are not counted. */
  #timeLeft(): string[] {
    let ms = 0;
    let isAll = true;
    for (const { kind, cost } of this.#left.values()) {
      if (cost === 0) continue;
      const measured = this.#measured.get(kind);
      if (measured?.cost) ms += measured.ms / measured.cost * cost;
      else isAll = false;
    }
    if (ms === 0) return [];
    return [`${isAll ? "about" : "over"} ${duration(ms / this.#processes)}`];
  }
}

/** "fidelity 23.12", of values by name. */
export const valueTexts = (
  values: Readonly<Record<string, number>>,
): string[] =>
  Object.entries(values)
    .map(([name, value]) => `${name} ${value.toPrecision(4)}`);

/** "3.0 a minute", or a second where it is more. */
export function rateText(made: number, ms: number): string {
  const rate = made / ms * 1000;
  return rate >= 1
    ? `${rate.toFixed(1)} a second`
    : `${(60 * rate).toFixed(1)} a minute`;
}

/** "40 s", "12 min", "3.5 h". */
export function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
