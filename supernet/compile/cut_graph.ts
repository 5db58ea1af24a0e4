/** One graph as consecutive ones. */
import {
  type Graph,
  GraphBuilder,
  valueOf,
  withoutUnread,
} from "@dip-go/core/onnx";

/** What one graph leaves is read by the next under this prefix. */
const prefixes = { output: "next.", input: "state." };

/**
 * Consecutive graphs, cut behind the nodes that make the borders. Each but the
 * last returns, as `next.<name>`, what later ones read as `state.<name>`; a border
 * goes by `name` to the next.
 *
 * @param borders Outputs of the graph, in the order of its nodes.
 */
export function cutGraph(
  graph: Graph,
  { borders, name }: {
    readonly borders: readonly string[];
    readonly name: string;
  },
): Graph[] {
  const maker = (border: string) =>
    graph.nodes.findIndex(({ outputs }) => outputs.includes(border));
  const ends = [...borders.map((each) => maker(each) + 1), graph.nodes.length];
  const graphs: Graph[] = [];
  let wanted = graph.outputs.map(({ name }) => name)
    .filter((name) => !borders.includes(name)).map((own) => [own, own]);
  for (const [i, end] of [...ends.entries()].toReversed()) {
    const nodes = graph.nodes.slice(ends[i - 1] ?? 0, end);
    const state = readBefore(graph, nodes, wanted.map(([, own]) => own));
    const told = (own: string) => own === borders[i - 1] ? name : own;
    const seen = new Map(
      state.map((own) => [own, `${prefixes.input}${told(own)}`]),
    );
    const to = (own: string) => seen.get(own) ?? own;
    const inputs = state.map((own) => ({
      ...valueOf(graph, own),
      name: to(own),
    }));
    const part = GraphBuilder.continuing({
      ...graph,
      inputs: [...graph.inputs, ...inputs],
      nodes: nodes.map((node) => ({ ...node, inputs: node.inputs.map(to) })),
      values: new Map([
        ...graph.values,
        ...inputs.map((each) => [each.name, each] as const),
      ]),
    }, graph.name);
    const outputs = wanted.map(([as, own]) => [as, part.value(to(own))]);
    graphs.unshift(withoutUnread(part.build(Object.fromEntries(outputs))));
    wanted = state.map((own) => [`${prefixes.output}${told(own)}`, own]);
  }
  return graphs;
}

/** What nodes before some made of all that these, and the outputs, read. */
function readBefore(
  { inputs, initializers }: Graph,
  nodes: Graph["nodes"],
  outputs: readonly string[],
): string[] {
  const read = new Set(outputs);
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((own) => read.has(own))) continue;
    node.inputs.forEach((own) => read.add(own));
  }
  const given = new Set([
    "",
    ...inputs.map(({ name }) => name),
    ...initializers.keys(),
    ...nodes.flatMap(({ outputs }) => outputs),
  ]);
  return [...read].filter((own) => !given.has(own));
}
