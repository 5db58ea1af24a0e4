/** A graph's missing steps as arrays of tasks, one a level and kind of step: kinds need different resources. */
import type { GraphLine } from "../../graph_file.ts";
import { shareOf } from "../../share.ts";

/** Tasks that may run at once. */
export interface TaskArray {
  /** The level and kind of its steps, as in `2-sample`. */
  readonly name: string;
  /** Keys of the steps of each task, in the order in which it makes them. */
  readonly tasks: readonly (readonly string[])[];
  /** The estimated bytes that a task holds at most. */
  readonly memory: number;
  /** Whether its steps are timed. */
  readonly alone: boolean;
  /** The indices of the earlier arrays that this array follows. */
  readonly after: readonly number[];
  /** The jobs of earlier submissions that this array follows. */
  readonly afterJobs: readonly string[];
}

/**
 * Groups steps into arrays.
 *
 * @param steps All steps that are to be made, in order.
 * @param options.queued Jobs that already make other steps, by the steps' keys.
 * @param options.maxJobs The most tasks of an array; neighbouring steps share a task.
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
    const before = [...new Set(group.flatMap(({ after }) => after))];
    const after = alone
      ? Array.from({ length: place }, (_, i) => i) // all arrays before: any of them would disturb it
      : before.flatMap((key) => places.get(key) ?? []);
    return {
      name,
      tasks: chunks(group.map(({ key }) => key), alone ? 1 : maxJobs),
      memory: Math.max(...group.map(({ memory }) => memory)),
      alone,
      after: [...new Set(after)].sort((a, b) => a - b),
      afterJobs: [...new Set(before.flatMap((key) => queued.get(key) ?? []))],
    };
  });
}

/** A list cut into at most `most` stretches, none of them empty. */
function chunks<Item>(items: readonly Item[], most: number): Item[][] {
  const count = Math.min(most, items.length);
  return Array.from(
    { length: count },
    (_, index) => shareOf(items, { index, count }),
  );
}
