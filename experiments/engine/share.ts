/** Shares of a list of work: the i-th of n is a stretch of the list, and all n together are the list. */

/** One of `count` shares; `index` counts from 0. */
export interface Share {
  readonly index: number;
  readonly count: number;
}

/**
 * The share that "2/3" names.
 *
 * @throws {RangeError} If the text is not i/n with 1 <= i <= n.
 */
export function parseShare(text: string): Share {
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(text)?.map(Number) ?? [];
  if (index >= 1 && index <= count) return { index: index - 1, count };
  throw new RangeError(
    `Cannot take a share of the work: it is "${text}", expected i/n with 1 <= i <= n`,
  );
}

/** The share's items. */
export function shareOf<Item>(
  items: readonly Item[],
  { index, count }: Share,
): Item[] {
  const start = (index: number) => Math.floor(items.length * index / count);
  return items.slice(start(index), start(index + 1));
}
