/** Where the nodes of a graph with a loop run. */
import type { Graph, Node } from "../graph.ts";
import { dependants, makersOf } from "../reach.ts";
import { loopNames } from "./loop_names.ts";

/** Before the loop, in each of its runs, in those that take one branch, or behind it. */
export type Region = "before" | "loop" | number | "after";

export interface Regions {
  readonly of: ReadonlyMap<Node, Region>;
  /** The regions in which each value is read; of a graph without a loop none are known. */
  readonly reading: ReadonlyMap<string, ReadonlySet<Region>>;
}

/**
 * The region of each node. What depends on no run runs once, before the loop;
 * what one branch alone needs runs in that, unless it follows from the index alone:
 * then branches may share it. What is made of constants alone stands where it is
 * read. Nodes of a graph without a loop are all "before" it.
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

/** The branch of those that one alone needs. @param varied Nodes that do not follow from the index alone. */
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

/** Regions with what is made of constants alone in the one that reads it. */
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
