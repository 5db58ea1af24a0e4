/** Dependencies between the nodes and values of a graph. */
import type { Node } from "./graph.ts";

/** The nodes that depend on any of the values, and all values that do, the given ones included. */
export function dependants(
  nodes: readonly Node[],
  names: Iterable<string>,
): { nodes: Set<Node>; names: Set<string> } {
  const known = new Set(names);
  const found = new Set<Node>();
  for (const node of nodes) {
    if (!node.inputs.some((name) => known.has(name))) continue;
    found.add(node);
    node.outputs.forEach((name) => known.add(name));
  }
  return { nodes: found, names: known };
}

/** The nodes that any of the values depends on, the last one first. */
export function makersOf(
  nodes: readonly Node[],
  names: Iterable<string>,
): Set<Node> {
  const wanted = new Set(names);
  const found = new Set<Node>();
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((name) => wanted.has(name))) continue;
    found.add(node);
    node.inputs.forEach((name) => wanted.add(name));
  }
  return found;
}
