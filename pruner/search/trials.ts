/** Judgements of candidates on true samples: each candidate once, up to a number of evaluations. */

/** The judgement of one candidate; searches minimise the loss. */
export interface Judged {
  readonly loss: number;
}

/** The judgements, and the best one so far. */
export class Trials<
  Candidate extends readonly unknown[],
  Judgement extends Judged,
> {
  readonly #known = new Map<string, Judgement>();
  #best: Judgement | undefined;

  /**
   * @param judge Judges a candidate; called `evaluations` times at most.
   * @param options.onEvaluation Called with the number of judged candidates and their least loss.
   */
  constructor(
    private readonly judge: (candidate: Candidate) => Promise<Judgement>,
    private readonly options: {
      readonly evaluations: number;
      readonly onEvaluation?: (done: number, least: number) => void;
    },
  ) {}

  /** The best judgement; there is one once a candidate was judged. */
  get best(): Judgement {
    return this.#best!;
  }

  get evaluations(): number {
    return this.options.evaluations;
  }

  get done(): number {
    return this.#known.size;
  }

  /** The judgement of a candidate; undefined for a new one if all evaluations are spent. */
  async of(candidate: Candidate): Promise<Judgement | undefined> {
    const { evaluations, onEvaluation } = this.options;
    const key = candidate.join();
    const known = this.#known.get(key);
    if (known || this.done >= evaluations) return known;
    const judged = await this.judge(candidate);
    this.#known.set(key, judged);
    if (!this.#best || judged.loss < this.#best.loss) this.#best = judged;
    onEvaluation?.(this.done, this.#best.loss);
    return judged;
  }

  /** Judges candidates until one is better than all before it. @returns Whether one is. */
  async improves(candidates: Iterable<Candidate>): Promise<boolean> {
    const before = this.#best;
    for (const candidate of candidates) {
      await this.of(candidate);
      if (this.#best !== before) return true;
    }
    return false;
  }
}
