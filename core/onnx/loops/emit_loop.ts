/** A loop in a graph that is being built. */
import { int64, type Tensor } from "../../tensor/tensor.ts";
import type { GraphBuilder } from "../builder.ts";
import type { Value } from "../graph.ts";

/** What runs again and again. */
export interface LoopBody {
  /** What the first run reads; later ones read what the run before left. */
  readonly first: Readonly<Record<string, Value>>;
  /** Which branch each run takes; as many runs as there are numbers. */
  readonly chosen: readonly number[];
  /**
   * Emits a run.
   *
   * @param index Of the run, int64 `[]`.
   * @param now What it reads.
   * @returns What emits each branch, and gives what that leaves; what it does not name stays as it is.
   */
  readonly body: (
    index: Value,
    now: Readonly<Record<string, Value>>,
  ) => readonly (() => Readonly<Record<string, Value>>)[];
}

/** What a loop leaves. */
export interface EmittedLoop {
  /** What the last run left. */
  readonly last: Readonly<Record<string, Value>>;
  /** To be among the outputs of the graph. */
  readonly outputs: Readonly<Record<string, Value>>;
}

const mapped = <A, B>(
  values: Readonly<Record<string, A>>,
  of: (name: string, value: A) => B,
): Record<string, B> =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, of(name, value)]),
  );

/**
 * Emits a graph's one loop.
 *
 * @throws {RangeError} If it has one already.
 */
export function emitLoop(
  g: GraphBuilder,
  { first, chosen, body }: LoopBody,
): EmittedLoop {
  const index = g.input("loop.index", "int64", []);
  const read = (when: string) =>
    mapped(
      first,
      (name, { dtype, shape }) => g.input(`loop.${when}.${name}`, dtype, shape),
    );
  const [now, last] = [read("now"), read("last")];
  const branches = body(index, now).map((own) => ({ ...now, ...own() }));
  const before = branchesBefore(g, { index, chosen, count: branches.length });
  const nextName = (b: number, name: string) => `loop.next.${b}.${name}`;
  g.loop = {
    count: chosen.length,
    index: index.name,
    before: before.map((_, b) => `loop.before.${b + 1}`),
    carried: Object.keys(first).map((name) => ({
      first: `loop.first.${name}`,
      now: now[name].name,
      next: branches.map((_, b) => nextName(b, name)),
      last: last[name].name,
    })),
  };
  const outputs = [
    ...Object.entries(first).map(([name, value]) =>
      [`loop.first.${name}`, value] as const
    ),
    ...before.map((value, b) => [g.loop!.before[b], value] as const),
    ...branches.flatMap((next, b) =>
      Object.entries(next).map(([name, value]) =>
        [nextName(b, name), value] as const
      )
    ),
  ];
  return { last, outputs: Object.fromEntries(outputs) };
}

/** Whether a run takes a branch before b, b from 1. */
function branchesBefore(
  g: GraphBuilder,
  { index, chosen, count }: {
    readonly index: Value;
    readonly chosen: readonly number[];
    readonly count: number;
  },
): Value[] {
  if (count === 1) return [];
  const own = looked(g, index, int64([chosen.length], chosen));
  return Array.from(
    { length: count - 1 },
    (_, b) => g.less(own, g.constant(int64([], [b + 1]))),
  );
}

/** Of a table `[runs, …]`, a run's own row. */
export const looked = (g: GraphBuilder, index: Value, table: Tensor): Value =>
  g.gather(g.constant(table), index);
