/** How far a command is, on the standard error: a bar in a terminal, a line a minute elsewhere. */
import { duration } from "../../engine/progress.ts";

/** Where progress is shown. */
export interface ProgressPlace {
  readonly isTerminal: boolean;
  write(text: string): void;
  /** Milliseconds. */
  now(): number;
}

const standardError: ProgressPlace = {
  get isTerminal() {
    return Deno.stderr.isTerminal();
  },
  write: (text) => void Deno.stderr.writeSync(new TextEncoder().encode(text)),
  now: () => performance.now(),
};

/** Milliseconds between lines that stay. */
const minute = 60_000;

/** Shows one part of the work after another. Hold it with `using`, which ends the bar's line. */
export class ProgressLine implements Disposable {
  #part = "";
  /** When the part began here, and how much of it was done then. */
  #began = { at: 0, done: 0 };
  #lastLine: number;
  #isOpen = false;

  constructor(private readonly place: ProgressPlace = standardError) {
    this.#lastLine = place.now();
  }

  /**
   * Shows that `done` of `total` are done.
   *
   * @param part What they are parts of, such as "sparsity 0.5"; its rate is its own.
   * @param values Shown behind, such as a loss.
   */
  show(
    part: string,
    [done, total]: readonly [done: number, total: number],
    values: Readonly<Record<string, number>> = {},
  ): void {
    const { isTerminal, write } = this.place;
    const now = this.place.now();
    if (part !== this.#part) {
      this.#end();
      this.#part = part;
      this.#began = { at: now, done };
    }
    if (!isTerminal && now - this.#lastLine < minute) return;
    this.#lastLine = now;
    const facts = [
      `${done}/${total}`,
      ...this.#speed(now, done, total),
      ...Object.entries(values)
        .map(([name, value]) => `${name} ${value.toPrecision(4)}`),
    ].join(", ");
    if (!isTerminal) return write(`${part}: ${facts}\n`);
    const bar = "█".repeat(Math.round(20 * done / total)).padEnd(20, "░");
    write(`\r${bar} ${part}: ${facts}\x1b[K`);
    this.#isOpen = true;
  }

  /** Rate and time left, once a part was seen to pass. */
  #speed(now: number, done: number, total: number): string[] {
    const passed = now - this.#began.at;
    const made = done - this.#began.done;
    if (made <= 0 || passed <= 0) return [];
    const rate = made / passed * 1000;
    const shown = rate >= 1
      ? `${rate.toFixed(1)} a second`
      : `${(60 * rate).toFixed(1)} a minute`;
    return done < total
      ? [shown, `${duration((total - done) / rate * 1000)} left`]
      : [shown];
  }

  #end(): void {
    if (this.#isOpen) this.place.write("\n");
    this.#isOpen = false;
  }

  [Symbol.dispose](): void {
    this.#end();
  }
}
