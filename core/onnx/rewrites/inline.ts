/** A graph as part of another. */
import type { GraphBuilder } from "../builder.ts";
import type { Graph, Value } from "../graph.ts";
import { addNodes } from "./rewrite.ts";

/**
 * Adds a graph's nodes to one that is being built. Parameters of the same name
 * are the same; other names are made unique.
 *
 * @param inputs What the graph reads, by the names of its inputs.
 * @returns All of its values, by their names in the graph.
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
