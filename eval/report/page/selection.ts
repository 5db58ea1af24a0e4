/** What the reader is looking at: a row and one of its pairs; all parts of the page follow it. */

/** Indices into the report's rows and into a row's pictures. */
export interface Selected {
  readonly row: number;
  readonly pair: number;
}

export type Listener = (selected: Selected) => void;

/** One value that parts of the page set and listen to. */
export class Selection {
  readonly #listeners: Listener[] = [];

  constructor(private selected: Selected) {}

  get row(): number {
    return this.selected.row;
  }

  get pair(): number {
    return this.selected.pair;
  }

  /** Looks at another row, or another pair, or both. */
  select(change: Partial<Selected>): void {
    this.selected = { ...this.selected, ...change };
    for (const listener of this.#listeners) listener(this.selected);
  }

  /** Calls a listener now and after every change. */
  listen(listener: Listener): void {
    this.#listeners.push(listener);
    listener(this.selected);
  }
}
