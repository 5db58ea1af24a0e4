/** The regions of a graph with a loop, which say when each node runs. */
import type { Graph, Node } from "../graph.ts";
import { dependants, makersOf } from "../reach.ts";
import { loopNames } from "./loop_names.ts";

/** Before the loop, in every iteration, in the iterations that take a branch (its number), or after the loop. */
export type Region = "before" | "loop" | number | "after";

export interface Regions {
  readonly of: ReadonlyMap<Node, Region>;
  /** The regions that read each value; empty for a graph without a loop. */
  readonly reading: ReadonlyMap<string, ReadonlySet<Region>>;
}

/**
 * The region of each node. Nodes that depend on no iteration run once, before the
 * loop. Nodes that only one branch needs run in that branch, unless they follow from
 * the index alone: then branches may share them. Nodes of constants alone are in the
 * one region that reads them. All nodes of a graph without a loop are "before".
 */
export function regionsOf(graph: Graph): Regions {
  const { nodes, loop } = graph;
  const regions = new Map<Node, Region>(nodes.map((node) => [node, "before"]));
  if (!loop) return { of: regions, reading: new Map() };
  const { index, branches, state } = loop;
  const before = Array.from(
    { length: branches - 1 },
    (_, b) => loopNames.before(b + 1),
  );
  const others = graph.inputs.map(({ name }) => name)
    .filter((name) => name !== index);
  const own = nodesOfOneBranch(graph, dependants(nodes, others).nodes);
  const shared = makersOf(nodes, before);
  const last = state.map(loopNames.last);
  for (const node of dependants(nodes, last).nodes) regions.set(node, "after");
  for (
    const node of dependants(nodes, [index, ...state.map(loopNames.now)]).nodes
  ) {
    regions.set(node, shared.has(node) ? "loop" : own.get(node) ?? "loop");
  }
  return withConstants(graph, regions);
}

/** The branch of each node that only one branch needs. @param varied Nodes that depend on more than the index. */
function nodesOfOneBranch(
  { nodes, loop }: Graph,
  varied: ReadonlySet<Node>,
): Map<Node, number> {
  const { branches: length, state } = loop!;
  const branches = Array.from(
    { length },
    (_, b) => makersOf(nodes, state.map((name) => loopNames.next(b, name))),
  );
  if (branches.length === 1) return new Map();
  return new Map([...varied].flatMap((node) => {
    const own = branches.flatMap((makers, b) => makers.has(node) ? [b] : []);
    return own.length === 1 ? [[node, own[0]] as const] : [];
  }));
}

/** The regions, with nodes of constants alone in the region that reads them, if it is one. */
function withConstants(
  { nodes, inputs, outputs }: Graph,
  regions: Map<Node, Region>,
): Regions {
  const varied = dependants(nodes, inputs.map(({ name }) => name)).nodes;
  const readers = new Map<string, Set<Region>>(
    outputs.map(({ name }) => [name, new Set(["before"])]),
  );
  for (const node of nodes.toReversed()) {
    const own = new Set(
      node.outputs.flatMap((name) => [...readers.get(name) ?? []]),
    );
    if (!varied.has(node) && own.size === 1) regions.set(node, [...own][0]);
    for (const name of node.inputs) {
      readers.getOrInsertComputed(name, () => new Set())
        .add(regions.get(node)!);
    }
  }
  return { of: regions, reading: readers };
}
