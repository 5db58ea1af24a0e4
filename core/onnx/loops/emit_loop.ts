/** Adds a loop to a graph that is being built. */
import { int64, type Tensor } from "../../tensor/tensor.ts";
import type { GraphBuilder } from "../builder.ts";
import type { Value } from "../graph.ts";
import { loopNames } from "./loop_names.ts";

/** A loop's first state, its branches, and the branch that each iteration takes. */
export interface LoopBody {
  /** The state that the first iteration reads; later ones read the state that the one before left. */
  readonly first: Readonly<Record<string, Value>>;
  /** The branch that each iteration takes; the list's length is the number of iterations. */
  readonly chosen: readonly number[];
  /**
   * Emits an iteration.
   *
   * @param index The iteration's index, int64 `[]`.
   * @param now The state that the iteration reads.
   * @returns Functions that emit one branch each and return the state values that it changes.
   */
  readonly body: (
    index: Value,
    now: Readonly<Record<string, Value>>,
  ) => readonly (() => Readonly<Record<string, Value>>)[];
}

/** The values that a loop adds to its graph. */
export interface EmittedLoop {
  /** The state that the last iteration leaves. */
  readonly last: Readonly<Record<string, Value>>;
  /** The outputs that the caller must add to the graph's own. */
  readonly outputs: Readonly<Record<string, Value>>;
}

/** Emits a graph's one loop. @throws {RangeError} If the graph has a loop already. */
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

/** For each branch b from 1 on, whether an iteration takes a branch before b: bool `[]`. */
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

/** An iteration's row of a table `[iterations, …]`. */
export const looked = (g: GraphBuilder, index: Value, table: Tensor): Value =>
  g.gather(g.constant(table), index);
