/** The names that mark inputs and outputs of a graph as its loop's. */
import type { Graph, Value } from "../graph.ts";

const prefix = "loop.";

/** Names of a loop's inputs and outputs. */
export const loopNames = {
  /** An input, int64 `[]`: the iteration's index, from 0. */
  index: `${prefix}index`,
  /** An output, bool `[]`: whether the iteration takes a branch before b, b from 1. */
  before: (b: number): string => `${prefix}before.${b}`,
  /** An output: the state that the first iteration reads. */
  first: (state: string): string => `${prefix}first.${state}`,
  /** An input: the state that each iteration reads. */
  now: (state: string): string => `${prefix}now.${state}`,
  /** An output: the state that an iteration leaves if it takes branch b. */
  next: (b: number, state: string): string => `${prefix}next.${b}.${state}`,
  /** An input: the state that the last iteration leaves, for nodes after the loop. */
  last: (state: string): string => `${prefix}last.${state}`,
};

/** A graph's inputs and outputs without the inputs and outputs of its loop. */
export function outside(
  { inputs, outputs, loop }: Pick<Graph, "inputs" | "outputs" | "loop">,
): Pick<Graph, "inputs" | "outputs"> {
  if (!loop) return { inputs, outputs };
  const others = (values: readonly Value[]) =>
    values.filter(({ name }) => !name.startsWith(prefix));
  return { inputs: others(inputs), outputs: others(outputs) };
}
