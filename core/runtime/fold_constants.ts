/** Constant folding: nodes that depend on constants alone are computed now, not at each run. */
import { GraphBuilder } from "../onnx/builder.ts";
import type { Graph, Initializer, Node } from "../onnx/graph.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { openSession } from "./session.ts";

/**
 * The graph with everything folded that depends on at least one of the given
 * constants and otherwise on initializers alone. What depends on weights only
 * (one reshaped, say) stays as it is: folded, it would be a second copy.
 *
 * @param roots Names of initializers.
 * @throws As `openSession`.
 */
export async function foldConstants(
  graph: Graph,
  roots: Iterable<string>,
): Promise<Graph> {
  const { folded, rest } = split(graph, new Set(roots));
  const outputs = graph.outputs.map(({ name }) => name);
  const read = new Set([...rest.flatMap(({ inputs }) => inputs), ...outputs]);
  const wanted = folded.flatMap((node) => node.outputs)
    .filter((name) => read.has(name));
  if (wanted.length === 0) return graph;
  const values = await evaluate(graph, folded, wanted);
  const initializers = new Map(graph.initializers);
  for (const [name, data] of Object.entries(values)) {
    initializers.set(name, constantOf(name, data));
  }
  return onlyNeeded({ ...graph, initializers, nodes: rest });
}

const constantOf = (name: string, data: Tensor): Initializer => ({
  name,
  dtype: data.dtype,
  shape: data.shape,
  role: "constant",
  data,
});

/** Which nodes can be evaluated now, and the others. */
function split(
  { nodes, initializers }: Graph,
  roots: ReadonlySet<string>,
): { folded: Node[]; rest: Node[] } {
  const known = new Set(roots);
  const folded: Node[] = [];
  const rest: Node[] = [];
  for (const node of nodes) {
    const inputs = node.inputs.filter((name) => name !== "");
    const folds = inputs.some((name) => known.has(name)) &&
      inputs.every((name) => known.has(name) || initializers.has(name));
    if (folds) node.outputs.forEach((name) => known.add(name));
    (folds ? folded : rest).push(node);
  }
  return { folded, rest };
}

/** The values that some nodes make of initializers. */
async function evaluate(
  graph: Graph,
  nodes: readonly Node[],
  names: readonly string[],
): Promise<Record<string, Tensor>> {
  const part = onlyNeeded({
    ...graph,
    name: `${graph.name}: constants`,
    inputs: [],
    nodes,
    outputs: names.map((name) => graph.values.get(name)!),
  });
  await using session = await openSession(part);
  return await session.run({});
}

/** The graph without nodes and initializers that no output needs. */
function onlyNeeded(graph: Graph): Graph {
  const g = GraphBuilder.continuing(graph, graph.name);
  const outputs = graph.outputs.map(({ name }) => [name, g.value(name)]);
  return g.build(Object.fromEntries(outputs));
}
