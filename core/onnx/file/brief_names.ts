/** Short names for what flows inside a graph: without weights they are most of the file. */
import type { Graph } from "../graph.ts";

/** The graph with inner values numbered and nodes without names, which ONNX asks for none of; inputs, outputs and initializers keep theirs. */
export function briefNames(graph: Graph): Graph {
  const { inputs, outputs, initializers } = graph;
  const brief = new Map(
    [...[...inputs, ...outputs].map(({ name }) => name), ...initializers.keys()]
      .map((name) => [name, name]),
  );
  brief.set("", ""); // an input that is left out
  let count = 0;
  const nameOf = (name: string): string => {
    const known = brief.get(name);
    if (known !== undefined) return known;
    while (brief.has(`v${count}`)) count++;
    brief.set(name, `v${count++}`);
    return brief.get(name)!;
  };
  return {
    ...graph,
    nodes: graph.nodes.map((node) => ({
      ...node,
      name: "",
      inputs: node.inputs.map(nameOf),
      outputs: node.outputs.map(nameOf),
    })),
    values: new Map(
      [...graph.values].map(([name, value]) => [
        nameOf(name),
        { ...value, name: nameOf(name) },
      ]),
    ),
  };
}
