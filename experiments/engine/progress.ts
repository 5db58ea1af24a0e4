/** Reports a run's current step, cached and remaining steps and time left: one changing line, or one a step. */
import type { Step, StepKind, StepOutcome } from "./step.ts";

/** The suffix of a step's line by its outcome. */
const endings = { made: "", found: ", elsewhere", "left out": ", left out" };

/** The output that progress is written to. */
export interface ProgressOutput {
  /** Takes a line. */
  readonly log: (line: string) => void;
  /** Shows a line instead of the last one, with a bar if a done share is given; else steps are logged. */
  readonly status?: (line: string, share?: number) => void;
}

/** Steps, and the line that is due once all of them are there. */
interface Watched {
  readonly left: Set<string>;
  readonly line: () => Promise<string>;
  /** Whether one of them ended during this run. */
  fresh: boolean;
}

/** Counts the steps of a run, to which more may be added while it goes on. */
export class Progress {
  /** The milliseconds and the cost of all steps of a kind that were made here. */
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

  /** Logs a line. */
  readonly log = (line: string): void => this.output.log(line);

  /**
   * Adds steps that are to be made next; steps that were added before are not counted again.
   *
   * @param options.processes The number of processes that make these steps; 1 by default.
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

  /** Logs a line once all of these steps are there, unless all were there before. */
  whenMade(steps: readonly Step[], line: () => Promise<string>): void {
    const left = new Set(steps.map(({ key }) => key));
    this.#watched.push({ left, line, fresh: false });
  }

  /** Logs the lines that are due. */
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

  /** Counts a step that was there before. */
  cached(step: Step): void {
    if (this.#left.delete(step.key)) this.#cached++;
    this.#settle(step, false);
  }

  /** Shows a step that starts, if the output has a status line. */
  starts({ kind, name }: Step): void {
    this.output.status?.(this.#line(`${kind} ${name}`), this.#share);
  }

  /** Counts a step that ended after `ms` milliseconds. */
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

  /** Reports the done part of a step and values such as a loss; logged lines at most every ten seconds. */
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

  /** The share of the known steps that is done. */
  get #share(): number {
    const all = this.#known.size;
    return (all - this.#left.size) / Math.max(1, all);
  }

  #line(what: string): string {
    const all = this.#known.size;
    const left = this.#left.size;
    const counts = [
      `${all - left}/${all}`,
      ...this.#cached > 0 ? [`${this.#cached} cached`] : [],
      ...left > 0 ? [`${left} left`] : [],
      ...this.output.status && this.#here > 0
        ? [rateText(this.#here, performance.now() - this.#began)]
        : [],
      ...this.#timeLeft(),
    ];
    return `${counts.join(", ")}: ${what}`;
  }

  /** The time left, from times of the same kinds of step; "over" if a kind has no times and is not counted. */
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

/** Values by name as texts such as "fidelity 23.12". */
export const valueTexts = (
  values: Readonly<Record<string, number>>,
): string[] =>
  Object.entries(values)
    .map(([name, value]) => `${name} ${value.toPrecision(4)}`);

/** A rate as text, such as "3.0 a minute", or "1.5 a second" from 1 a second on. */
export function rateText(made: number, ms: number): string {
  const rate = made / ms * 1000;
  return rate >= 1
    ? `${rate.toFixed(1)} a second`
    : `${(60 * rate).toFixed(1)} a minute`;
}

/** A duration as text, such as "40 s", "12 min" or "3.5 h". */
export function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
