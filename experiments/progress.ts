/** Lines that say what was done and how long the rest will take. */

/** What became of a part: done now, kept from an earlier run, or left out. */
export type Outcome = "done" | "kept" | "left out";

/** Counts the parts of one phase of a run. */
export class Progress {
  #done = 0;
  #worked = 0;
  #elapsed = 0;
  #lastLine = -Infinity;

  constructor(
    private readonly phase: string,
    private readonly total: number,
    private readonly log: (line: string) => void,
  ) {}

  /** Does one part and reports it. */
  async part(name: string, work: () => Promise<Outcome>): Promise<void> {
    const start = performance.now();
    const outcome = await work();
    this.#done++;
    if (outcome === "done") {
      this.#worked++;
      this.#elapsed += performance.now() - start;
    }
    this.#line(outcome === "done" ? name : `${name}, ${outcome}`);
  }

  /** Reports within a part, at most every ten seconds. */
  within(name: string, { done, total }: { done: number; total: number }): void {
    if (performance.now() - this.#lastLine < 10_000) return;
    this.#line(`${name}: ${done} of ${total}`);
  }

  #line(text: string): void {
    const left = this.#elapsed / this.#worked * (this.total - this.#done);
    const end = left > 0 ? `, about ${duration(left)} left` : "";
    this.log(`${this.phase} ${this.#done}/${this.total}  ${text}${end}`);
    this.#lastLine = performance.now();
  }
}

/** "40 s", "12 min", "3.5 h". */
function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
