/** The reader's selection, a row and one of its pairs, which all parts of the page follow. */

/** Indices into the report's rows and into a row's pictures. */
export interface Selected {
  readonly row: number;
  readonly pair: number;
}

export type Listener = (selected: Selected) => void;

/** A selection that parts of the page change and listen to. */
export class Selection {
  readonly #listeners: Listener[] = [];

  /** @param pairsOf The number of a row's pairs that have pictures. */
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

  /** Selects another row, another pair or both; in a row with fewer pairs, at most the last pair. */
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
