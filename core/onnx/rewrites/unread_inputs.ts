/** Removes inputs that no node reads. */
import type { Graph } from "../graph.ts";

/** The graph without the inputs, among the named ones (default: all), that no node reads. */
export function withoutUnread(
  graph: Graph,
  names: readonly string[] = graph.inputs.map(({ name }) => name),
): Graph {
  const read = new Set(graph.nodes.flatMap(({ inputs }) => inputs));
  const stays = (name: string) => !names.includes(name) || read.has(name);
  return {
    ...graph,
    inputs: graph.inputs.filter(({ name }) => stays(name)),
    values: new Map([...graph.values].filter(([name]) => stays(name))),
  };
}
