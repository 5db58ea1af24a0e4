/** Computes nodes that depend on timesteps alone once: as constants or, in a loop, as rows of tables. */
import { GraphBuilder } from "../onnx/builder.ts";
import type { Graph, Node, Value } from "../onnx/graph.ts";
import { int64, sizeOf, zeros } from "../tensor/tensor.ts";
import { openSession } from "./session.ts";

/** The name of the input with the iteration's index, int64 `[]`, and the number of iterations. */
export interface Runs {
  readonly index: string;
  readonly count: number;
}

/**
 * The graph with a row of a table for each value that depends on the index and
 * otherwise on initializers alone: a timestep's embedding and its projections,
 * whose weights are then no longer needed.
 *
 * @throws As `openSession`.
 */
export async function foldSteps(
  graph: Graph,
  { index, count }: Runs,
): Promise<Graph> {
  const { folded, rest, wanted } = split(graph, [index]);
  if (wanted.length === 0) return graph;
  const inputs = graph.inputs.filter(({ name }) => name === index);
  const tables = wanted.map(({ dtype, shape }) =>
    zeros([count, ...shape], dtype)
  );
  await using session = await openSession(
    partOf(graph, folded, wanted, inputs),
  );
  for (let run = 0; run < count; run++) {
    const made = await session.run({ [index]: int64([], [run]) });
    for (const [i, { name, shape }] of wanted.entries()) {
      tables[i].data.set(made[name].data as never, run * sizeOf(shape));
    }
  }
  const initializers = new Map(graph.initializers);
  const values = new Map(graph.values);
  const rows = wanted.map(({ name }, i): Node => {
    const data = tables[i];
    const { dtype, shape } = data;
    const table = { name: `${name}:table`, dtype, shape };
    values.set(table.name, table);
    initializers.set(table.name, { ...table, role: "constant", data });
    return {
      op: "Gather",
      domain: "",
      name,
      inputs: [table.name, index],
      outputs: [name],
      attributes: { axis: 0 },
      single: true,
    };
  });
  const nodes = [...rows, ...rest];
  return onlyNeeded({ ...graph, initializers, values, nodes });
}

/**
 * The graph with a constant for each value that depends on one of the roots and
 * otherwise on initializers alone. A value of weights only (a reshaped one, say)
 * is not folded: it would be a second copy.
 *
 * @param roots Names of initializers.
 * @throws As `openSession`.
 */
export async function foldConstants(
  graph: Graph,
  roots: readonly string[],
): Promise<Graph> {
  const { folded, rest, wanted } = split(graph, roots);
  if (wanted.length === 0) return graph;
  await using session = await openSession(partOf(graph, folded, wanted));
  const initializers = new Map(graph.initializers);
  for (const [name, data] of Object.entries(await session.run({}))) {
    initializers.set(name, { ...data, name, role: "constant", data });
  }
  return onlyNeeded({ ...graph, initializers, nodes: rest });
}

/** The nodes that follow from the roots, the rest, and the folded values that the rest or the outputs read. */
function split(
  { nodes, initializers, outputs, values }: Graph,
  roots: readonly string[],
) {
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
  const read = new Set([
    ...rest.flatMap(({ inputs }) => inputs),
    ...outputs.map(({ name }) => name),
  ]);
  const wanted = folded.flatMap(({ outputs }) => outputs)
    .filter((name) => read.has(name)).map((name) => values.get(name)!);
  return { folded, rest, wanted };
}

/** The graph of some nodes, without a loop. */
const partOf = (
  graph: Graph,
  nodes: readonly Node[],
  outputs: readonly Value[],
  inputs: readonly Value[] = [],
): Graph =>
  onlyNeeded({
    ...graph,
    name: `${graph.name}: steps`,
    inputs,
    nodes,
    outputs,
    loop: undefined,
  });

/** The graph without nodes and initializers that no output needs. */
function onlyNeeded(graph: Graph): Graph {
  const g = GraphBuilder.continuing(graph, graph.name);
  const outputs = graph.outputs.map(({ name }) => [name, g.value(name)]);
  return g.build(Object.fromEntries(outputs));
}
