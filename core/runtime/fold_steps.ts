/** What follows from timesteps alone, worked out once: constants, or in a loop rows of tables, in the place of nodes. */
import { GraphBuilder } from "../onnx/builder.ts";
import type { Graph, Node, Value } from "../onnx/graph.ts";
import { int64, sizeOf, type Tensor, zeros } from "../tensor/tensor.ts";
import { openSession } from "./session.ts";

/** The input that tells which run it is, int64 `[]`, and how many there are. */
export interface Runs {
  readonly index: string;
  readonly count: number;
}

/**
 * The graph with a row of a table for everything that depends on the index and
 * otherwise on initializers alone: a timestep's embedding and what is made of it,
 * whose weights are then no longer needed.
 *
 * @throws As `openSession`.
 */
export async function foldSteps(graph: Graph, runs: Runs): Promise<Graph> {
  const { folded, rest, wanted } = split(graph, [runs.index]);
  if (wanted.length === 0) return graph;
  const tables = await evaluated(graph, { folded, wanted, runs });
  const initializers = new Map(graph.initializers);
  const values = new Map(graph.values);
  const rows = wanted.map(({ name }): Node => {
    const table = { ...tables.get(name)!, name: `${name}:table` };
    const { dtype, shape } = table;
    values.set(table.name, { name: table.name, dtype, shape });
    initializers.set(table.name, { ...table, role: "constant", data: table });
    return {
      op: "Gather",
      domain: "",
      name,
      inputs: [table.name, runs.index],
      outputs: [name],
      attributes: { axis: 0 },
      single: true,
    };
  });
  return onlyNeeded({
    ...graph,
    initializers,
    values,
    nodes: [...rows, ...rest],
  });
}

/**
 * The graph with a constant for everything that depends on at least one of some
 * constants and otherwise on initializers alone. What depends on weights only (one
 * reshaped, say) stays as it is: folded, it would be a second copy.
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

/** Which nodes follow from the roots, the others, and what these read of the first. */
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

/** A graph of some nodes. */
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

/** Values of all runs, `[runs, …]`, by name. */
async function evaluated(
  graph: Graph,
  { folded, wanted, runs: { index, count } }: {
    readonly folded: readonly Node[];
    readonly wanted: readonly Value[];
    readonly runs: Runs;
  },
): Promise<Map<string, Tensor>> {
  const inputs = graph.inputs.filter(({ name }) => name === index);
  const tables = new Map<string, Tensor>(
    wanted.map(({ name, dtype, shape }) => [
      name,
      zeros([count, ...shape], dtype),
    ]),
  );
  await using session = await openSession(
    partOf(graph, folded, wanted, inputs),
  );
  for (let run = 0; run < count; run++) {
    const made = await session.run({ [index]: int64([], [run]) });
    for (const { name, shape } of wanted) {
      const { data } = tables.get(name)!;
      data.set(made[name].data as never, run * sizeOf(shape));
    }
  }
  return tables;
}

/** The graph without nodes and initializers that no output needs. */
function onlyNeeded(graph: Graph): Graph {
  const g = GraphBuilder.continuing(graph, graph.name);
  const outputs = graph.outputs.map(({ name }) => [name, g.value(name)]);
  return g.build(Object.fromEntries(outputs));
}
