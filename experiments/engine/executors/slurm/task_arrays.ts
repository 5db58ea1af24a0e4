/** A graph's missing steps as arrays of tasks: one a level of the graph and kind of step, because kinds differ in what they need. */
import type { GraphLine } from "../../graph_file.ts";
import { shareOf } from "../../share.ts";

/** Tasks that may run at once. */
export interface TaskArray {
  /** `2-sample`, of its level and kind. */
  readonly name: string;
  /** Keys of the steps of each task, in the order in which it makes them. */
  readonly tasks: readonly (readonly string[])[];
  /** Bytes that a task holds at most, about. */
  readonly memory: number;
  /** Whether its steps are timed. */
  readonly alone: boolean;
  /** Places of the arrays, among those before, that it follows. */
  readonly after: readonly number[];
  /** Jobs of an earlier submission that it follows. */
  readonly afterJobs: readonly string[];
}

/**
 * The arrays of some steps.
 *
 * @param steps In order, all that are to be made.
 * @param options.queued Jobs that make steps which are not among these, by key.
 * @param options.maxJobs Tasks of an array at most; neighbours share one.
 */
export function taskArrays(
  steps: readonly GraphLine[],
  { queued, maxJobs }: {
    readonly queued: ReadonlyMap<string, string>;
    readonly maxJobs: number;
  },
): TaskArray[] {
  const groups = [
    ...Map.groupBy(steps, ({ level, kind }) => `${level}-${kind}`),
  ].sort(([, [a]], [, [b]]) => a.level - b.level);
  const places = new Map(
    groups.flatMap(([, group], i) => group.map(({ key }) => [key, i])),
  );
  return groups.map(([name, group], place) => {
    const [{ alone }] = group;
    const before = new Set(group.flatMap(({ after }) => after));
    const known = [...before];
    const after = alone
      ? Array.from({ length: place }, (_, i) => i) // whatever else would disturb it
      : known.flatMap((key) => places.get(key) ?? []);
    return {
      name,
      tasks: chunks(group.map(({ key }) => key), alone ? 1 : maxJobs),
      memory: Math.max(...group.map(({ memory }) => memory)),
      alone,
      after: [...new Set(after)].sort((a, b) => a - b),
      afterJobs: [...new Set(known.flatMap((key) => queued.get(key) ?? []))],
    };
  });
}

/** A list in so many stretches at most, none of them empty. */
function chunks<Item>(items: readonly Item[], most: number): Item[][] {
  const count = Math.min(most, items.length);
  return Array.from(
    { length: count },
    (_, index) => shareOf(items, { index, count }),
  );
}
