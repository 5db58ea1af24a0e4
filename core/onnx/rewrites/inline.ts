/** Adds a graph to another graph. */
import type { GraphBuilder } from "../builder.ts";
import type { Graph, Value } from "../graph.ts";
import { addNodes } from "./rewrite.ts";

/**
 * Adds a graph's nodes to a graph that is being built. Parameters of the same name
 * are shared; other names are made unique.
 *
 * @param inputs The values to read, by the names of the graph's inputs.
 * @returns The values in `g` of all values of the graph, by their names in the graph.
 * @throws {RangeError} If an input is missing.
 */
export function inlined(
  g: GraphBuilder,
  graph: Graph,
  inputs: ReadonlyMap<string, Value>,
): ReadonlyMap<string, Value> {
  const values = new Map<string, Value>();
  for (const { name } of graph.inputs) {
    const value = inputs.get(name);
    if (!value) {
      throw new RangeError(
        `Cannot make graph "${graph.name}" part of "${g.name}": input "${name}" is missing`,
      );
    }
    values.set(name, value);
  }
  for (const each of graph.initializers.values()) {
    const { name, role, data, shape } = each;
    const isConstant = role === "constant" && data;
    values.set(
      name,
      isConstant ? g.constant(data) : g.parameter(name, shape, each),
    );
  }
  addNodes(g, graph, values);
  return values;
}
