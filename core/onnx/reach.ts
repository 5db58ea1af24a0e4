/** What depends on what in a graph. */
import type { Node } from "./graph.ts";

/** Nodes that depend on some of the values, and all values that do, these included. */
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

/** Nodes that some of the values depend on, the last one first. */
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
