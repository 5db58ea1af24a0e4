/** What belongs to a graph's loop, told by its name. */
import type { Graph, Value } from "../graph.ts";

const prefix = "loop.";

/** Names of a loop's inputs and outputs. */
export const loopNames = {
  /** An input, int64 `[]`: which run it is, from 0. */
  index: `${prefix}index`,
  /** An output, bool `[]`: whether the run takes a branch before b, from 1. */
  before: (b: number): string => `${prefix}before.${b}`,
  /** An output: the state that the first run reads. */
  first: (state: string): string => `${prefix}first.${state}`,
  /** An input: what each run reads. */
  now: (state: string): string => `${prefix}now.${state}`,
  /** An output: what a run leaves that takes branch b. */
  next: (b: number, state: string): string => `${prefix}next.${b}.${state}`,
  /** An input: what the last run leaves, for nodes behind the loop. */
  last: (state: string): string => `${prefix}last.${state}`,
};

/** A graph's inputs and outputs without those that belong to its loop. */
export function outside(
  { inputs, outputs, loop }: Pick<Graph, "inputs" | "outputs" | "loop">,
): Pick<Graph, "inputs" | "outputs"> {
  if (!loop) return { inputs, outputs };
  const others = (values: readonly Value[]) =>
    values.filter(({ name }) => !name.startsWith(prefix));
  return { inputs: others(inputs), outputs: others(outputs) };
}
