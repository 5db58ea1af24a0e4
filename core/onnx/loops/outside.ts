/** What a graph with a loop shows. */
import type { Graph, Value } from "../graph.ts";

/** A graph's inputs and outputs without those that belong to its loop. */
export function outside(
  { inputs, outputs, loop }: Pick<Graph, "inputs" | "outputs" | "loop">,
): Pick<Graph, "inputs" | "outputs"> {
  if (!loop) return { inputs, outputs };
  const { index, before, carried } = loop;
  const own = new Set([
    index,
    ...before,
    ...carried.flatMap(({ first, now, next, last }) => [
      first,
      now,
      ...next,
      last,
    ]),
  ]);
  const others = (values: readonly Value[]) =>
    values.filter(({ name }) => !own.has(name));
  return { inputs: others(inputs), outputs: others(outputs) };
}
