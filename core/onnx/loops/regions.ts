/** Where the nodes of a graph with a loop run. */
import type { Graph, Node } from "../graph.ts";

/** Before the loop, in each of its runs, in those that take one branch, or behind it. */
export type Region = "before" | "loop" | number | "after";

/**
 * The region of each node. What depends on no run runs once, before the loop;
 * what one branch alone needs runs in that; nodes of a graph without a loop are
 * all "before" it.
 */
export function regionsOf({ nodes, loop }: Graph): Map<Node, Region> {
  if (!loop) return new Map(nodes.map((node) => [node, "before"]));
  const { index, before, carried } = loop;
  const inside = readersOf(nodes, [index, ...carried.map(({ now }) => now)]);
  const behind = readersOf(nodes, carried.map(({ last }) => last));
  const branches = carried[0].next.map((_, b) =>
    makersOf(nodes, carried.map(({ next }) => next[b]))
  );
  const shared = makersOf(nodes, before);
  return new Map(nodes.map((node): [Node, Region] => {
    if (behind.has(node)) return [node, "after"];
    if (!inside.has(node)) return [node, "before"];
    const own = branches.flatMap((makers, b) => makers.has(node) ? [b] : []);
    const isOne = branches.length > 1 && own.length === 1 && !shared.has(node);
    return [node, isOne ? own[0] : "loop"];
  }));
}

/** Nodes that depend on some of the values. */
function readersOf(
  nodes: readonly Node[],
  names: readonly string[],
): Set<Node> {
  const known = new Set(names);
  const found = new Set<Node>();
  for (const node of nodes) {
    if (!node.inputs.some((name) => known.has(name))) continue;
    found.add(node);
    node.outputs.forEach((name) => known.add(name));
  }
  return found;
}

/** Nodes that some of the values depend on. */
function makersOf(nodes: readonly Node[], names: readonly string[]): Set<Node> {
  const wanted = new Set(names);
  const found = new Set<Node>();
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((name) => wanted.has(name))) continue;
    found.add(node);
    node.inputs.forEach((name) => wanted.add(name));
  }
  return found;
}
