/** Rewrites a graph node by node: a rule may emit other nodes instead of one. */
import { GraphBuilder } from "../builder.ts";
import type { Graph, Node, Value } from "../graph.ts";
import type { NodeCall } from "../ops/operator.ts";

/** A node about to be copied, with its inputs in the new graph. */
export interface RewriteCall extends NodeCall {
  readonly g: GraphBuilder;
  /** The new graph's value for a value that comes before the node in the old graph. */
  made(name: string): Value;
}

/** Emits the values that replace the node's outputs; undefined copies the node unchanged. */
export type RewriteRule = (
  call: RewriteCall,
) => readonly Value[] | undefined;

/** Module path of a node: its name without the operator. */
const pathOf = ({ name }: Node): string =>
  name.slice(0, Math.max(0, name.lastIndexOf("/")));

/** Adds a copy of the node with the given inputs. */
export function copied(
  { g, node, inputs }: Omit<RewriteCall, "made">,
): Value[] {
  const { op, domain, attributes, outputs } = node;
  const options = { domain, attributes, outputs: outputs.length };
  const add = () => g.node(op, inputs, options);
  return node.single ? g.inSingle(add) : add();
}

/**
 * Adds a graph's nodes, rewritten by the rule, to a graph that is being built.
 *
 * @param made Values of the new graph by their names in the old; outputs of nodes are added to it.
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
  /** Emits the value to return instead of an output's value; the value itself by default. */
  readonly output?: (g: GraphBuilder, value: Value) => Value;
}

/** The graph, each node rewritten by the rule; inputs and names of outputs stay, unneeded nodes do not. */
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
