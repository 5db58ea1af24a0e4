/** Graph to graph, a node at a time: a rule may emit other nodes where one stood. */
import { GraphBuilder } from "../builder.ts";
import type { Graph, Node, Value } from "../graph.ts";
import type { NodeCall } from "../ops/operator.ts";

/** A node about to be copied, with its inputs in the new graph. */
export interface RewriteCall extends NodeCall {
  readonly g: GraphBuilder;
  /** The value of the new graph for one that comes before the node in the old. */
  made(name: string): Value;
}

/** What stands for the node's outputs, or nothing where it is copied as it is. */
export type RewriteRule = (
  call: RewriteCall,
) => readonly Value[] | undefined;

/** Module path of a node: its name without the operator. */
const pathOf = ({ name }: Node): string =>
  name.slice(0, Math.max(0, name.lastIndexOf("/")));

/** The node as it is, on other inputs. */
export function copied(
  { g, node, inputs }: Omit<RewriteCall, "made">,
): Value[] {
  const { op, domain, attributes, outputs } = node;
  const options = { domain, attributes, outputs: outputs.length };
  const add = () => g.node(op, inputs, options);
  return node.single ? g.inSingle(add) : add();
}

/**
 * Adds a graph's nodes to one that is being built, each as the rule has it.
 *
 * @param made Values of the new graph by their names in the old; gets those that nodes make.
 */
export function addNodes(
  g: GraphBuilder,
  { nodes }: Graph,
  made: Map<string, Value>,
  rule: RewriteRule = copied,
): void {
  for (const node of nodes) {
    const inputs = node.inputs.map((name) => made.get(name) ?? null);
    const call = { g, node, inputs, made: (name: string) => made.get(name)! };
    const outputs = within(g, pathOf(node), () => rule(call) ?? copied(call));
    node.outputs.forEach((name, i) => made.set(name, outputs[i]));
  }
}

export interface Rewriting {
  readonly rule: RewriteRule;
  /** What the graph returns in place of an output's value; the value itself by default. */
  readonly output?: (g: GraphBuilder, value: Value) => Value;
}

/** The same inputs and names of outputs, with the rule applied to each node; what no output needs any more is left out. */
export function rewritten(
  graph: Graph,
  { rule, output = (_, value) => value }: Rewriting,
): Graph {
  const sources = [...graph.inputs, ...graph.initializers.values()];
  const values = new Map<string, Value>(sources.map((v) => [v.name, v]));
  const start = { ...graph, nodes: [], values };
  const g = GraphBuilder.continuing(start, graph.name);
  const made = new Map(values);
  addNodes(g, graph, made, rule);
  const outputs = graph.outputs.map(({ name }) => [
    name,
    output(g, made.get(name)!),
  ]);
  return g.build(Object.fromEntries(outputs));
}

const within = <T>(g: GraphBuilder, path: string, body: () => T): T =>
  path === "" ? body() : g.scope(path, body);
