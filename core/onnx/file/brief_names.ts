/** Short names for a graph's inner values: names are most of a file without weights. */
import type { Graph } from "../graph.ts";

/** Numbers inner values and drops node names, which ONNX does not require; all other values keep their names. */
export function briefNames(graph: Graph): Graph {
  const { inputs, outputs, initializers } = graph;
  const brief = new Map(
    [...[...inputs, ...outputs].map(({ name }) => name), ...initializers.keys()]
      .map((name) => [name, name]),
  );
  brief.set("", ""); // an omitted optional input
  let count = 0;
  const free = () => {
    while (brief.has(`v${count}`)) count++;
    return `v${count++}`;
  };
  const nameOf = (name: string) => brief.getOrInsertComputed(name, free);
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
