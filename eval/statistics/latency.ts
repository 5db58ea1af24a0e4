/**
 * Compares wall-clock times of several functions on a machine whose speed drifts:
 * they take turns within a round and the first place rotates, so that a slow
 * minute or a warm cache falls on all of them alike.
 */

/** The times of one function, in milliseconds unless `now` has another unit. */
export interface Latency {
  /** One time for each round, in the order of the rounds. */
  times: number[];
  median: number;
  min: number;
  max: number;
}

/**
 * Runs the functions one after another, `warmup` rounds untimed, then `rounds`
 * rounds timed; each round starts one function later than the last.
 *
 * @param functions The functions to time, by name. Each is awaited before the next starts.
 * @param options `warmup` is 1 and `rounds` 5 by default; `now` is the clock,
 * `performance.now` by default.
 * @throws {RangeError} If `rounds` is less than 1.
 */
export async function interleave<Name extends string>(
  functions: Readonly<Record<Name, () => Promise<unknown>>>,
  { warmup = 1, rounds = 5, now = () => performance.now() }: {
    warmup?: number;
    rounds?: number;
    now?: () => number;
  } = {},
): Promise<Record<Name, Latency>> {
  if (!(rounds >= 1)) {
    throw new RangeError(
      `Cannot measure latency: rounds is ${rounds}, expected at least 1`,
    );
  }
  const names = Object.keys(functions) as Name[];
  const times = new Map(names.map((name) => [name, [] as number[]]));
  for (let round = -warmup; round < rounds; round++) {
    for (const name of rotated(names, round + warmup)) {
      const start = now();
      await functions[name]();
      const elapsed = now() - start;
      if (round >= 0) times.get(name)!.push(elapsed);
    }
  }
  return Object.fromEntries(
    [...times].map(([name, values]) => [name, latencyOf(values)]),
  ) as Record<Name, Latency>;
}

function rotated<Item>(items: readonly Item[], by: number): Item[] {
  return items.map((_, i) => items[(i + by) % items.length]);
}

function latencyOf(times: number[]): Latency {
  const sorted = times.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return {
    times,
    median: (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2,
    min: sorted[0],
    max: sorted.at(-1)!,
  };
}
