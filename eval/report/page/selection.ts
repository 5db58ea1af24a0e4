/** The reader's place: a row and one of its pairs; all parts of the page follow it. */

/** Indices into the report's rows and into a row's pictures. */
export interface Selected {
  readonly row: number;
  readonly pair: number;
}

export type Listener = (selected: Selected) => void;

/** One value that parts of the page set and listen to. */
export class Selection {
  readonly #listeners: Listener[] = [];

  /** @param pairsOf How many pairs of a row have pictures. */
  constructor(
    private selected: Selected,
    private readonly pairsOf: (row: number) => number,
  ) {}

  get row(): number {
    return this.selected.row;
  }

  get pair(): number {
    return this.selected.pair;
  }

  /** Looks at another row, or another pair, or both; of a row with fewer pairs, at its last. */
  select(change: Partial<Selected>): void {
    const { row, pair } = { ...this.selected, ...change };
    const last = this.pairsOf(row) - 1;
    this.selected = { row, pair: last < 0 ? pair : Math.min(pair, last) };
    for (const listener of this.#listeners) listener(this.selected);
  }

  /** Calls a listener now and after every change. */
  listen(listener: Listener): void {
    this.#listeners.push(listener);
    listener(this.selected);
  }
}
