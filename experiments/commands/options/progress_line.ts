/** The progress of a command's work, whose parts follow one another, each with its own rate. */
import {
  duration,
  type ProgressOutput,
  rateText,
  valueTexts,
} from "../../engine/progress.ts";
import { openStatusLine } from "../../engine/status_line.ts";

/** A status line with a bar; hold it with `using`, which clears the bar. */
export class ProgressLine implements Disposable {
  #part = "";
  /** The time of the part's first call, in milliseconds, and how much was done then. */
  #began = { at: 0, done: 0 };

  constructor(
    private readonly output: Required<ProgressOutput> & Disposable =
      openStatusLine(),
    private readonly now = () => performance.now(),
  ) {}

  /**
   * Shows that `done` of `total` are done.
   *
   * @param part The name of the part of the work, such as "sparsity 0.5".
   * @param values Numbers to show behind, such as a loss.
   */
  show(
    part: string,
    [done, total]: readonly [done: number, total: number],
    values: Readonly<Record<string, number>> = {},
  ): void {
    const now = this.now();
    if (part !== this.#part) {
      this.#part = part;
      this.#began = { at: now, done };
    }
    const facts = [
      `${done}/${total}`,
      ...this.#speed(now, done, total),
      ...valueTexts(values),
    ];
    this.output.status(`${part}: ${facts.join(", ")}`, done / total);
  }

  /** Rate and time left, once the part has advanced since its first call. */
  #speed(now: number, done: number, total: number): string[] {
    const passed = now - this.#began.at;
    const made = done - this.#began.done;
    if (made <= 0 || passed <= 0) return [];
    const left = (total - done) / made * passed;
    return [
      rateText(made, passed),
      ...left > 0 ? [`${duration(left)} left`] : [],
    ];
  }

  [Symbol.dispose](): void {
    this.output[Symbol.dispose]();
  }
}
