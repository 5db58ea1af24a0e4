/** A loop in a graph that is being built. */
import { int64, type Tensor } from "../../tensor/tensor.ts";
import type { GraphBuilder } from "../builder.ts";
import type { Value } from "../graph.ts";
import { loopNames } from "./loop_names.ts";

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

/**
 * Emits a graph's one loop.
 *
 * @throws {RangeError} If it has one already.
 */
export function emitLoop(
  g: GraphBuilder,
  { first, chosen, body }: LoopBody,
): EmittedLoop {
  const index = g.input(loopNames.index, "int64", []);
  const state = Object.keys(first);
  const read = (nameOf: (state: string) => string) =>
    Object.fromEntries(state.map((name) => {
      const { dtype, shape } = first[name];
      return [name, g.input(nameOf(name), dtype, shape)];
    }));
  const [now, last] = [read(loopNames.now), read(loopNames.last)];
  const branches = body(index, now).map((own) => ({ ...now, ...own() }));
  const count = chosen.length;
  g.loop = { count, index: index.name, branches: branches.length, state };
  const outputs = [
    ...state.map((name) => [loopNames.first(name), first[name]] as const),
    ...branchesBefore(g, index, { chosen, count: branches.length })
      .map((value, b) => [loopNames.before(b + 1), value] as const),
    ...branches.flatMap((next, b) =>
      state.map((name) => [loopNames.next(b, name), next[name]] as const)
    ),
  ];
  return { last, outputs: Object.fromEntries(outputs) };
}

/** Whether a run takes a branch before b, b from 1. */
function branchesBefore(
  g: GraphBuilder,
  index: Value,
  { chosen, count }: { chosen: readonly number[]; count: number },
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
