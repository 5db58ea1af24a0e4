/**
 * A graph's flat loop as ONNX's `Loop`, whose body is a graph of its own with an
 * `If` for every choice between branches. Inner graphs read values of outer graphs
 * by name. The outermost graph has all weights: onnxruntime-web reads no external
 * data of inner graphs.
 */
import { castOf, isStored } from "../file/stored_floats.ts";
import {
  type Graph,
  type Initializer,
  type Node,
  type Value,
  valueOf,
} from "../graph.ts";
import { loopNames, outside } from "./loop_names.ts";
import { type Region, regionsOf } from "./regions.ts";

/** Names of values that ONNX's `Loop` needs and no other node reads. */
const names = {
  goesOn: "loop.goes_on",
  still: "loop.still",
  count: "loop.count",
};

/** A graph with an ONNX `Loop` node instead of a flat loop. */
export interface Nested {
  readonly graph: Graph;
  /** Names of stored weights that inner graphs widen, so that the outermost graph does not. */
  readonly widenedInside: ReadonlySet<string>;
}

/** The graph with an ONNX `Loop` for its flat loop, and without the flat loop's inputs and outputs. */
export function nested(graph: Graph): Nested {
  const { loop } = graph;
  if (!loop) return { graph, widenedInside: new Set() };
  const parts = new Parts(graph);
  const count: Value = { name: names.count, dtype: "int64", shape: [] };
  const data = BigInt64Array.of(BigInt(loop.count));
  const own = { ...count, role: "constant", data: { ...count, data } } as const;
  const node = operatorNode("Loop", {
    inputs: [count.name, "", ...loop.state.map(loopNames.first)],
    outputs: loop.state.map(loopNames.last),
    attributes: { body: body(graph, parts) },
  });
  const nest = {
    name: graph.name,
    ...outside(graph),
    initializers: new Map([...parts.initializers, [count.name, own]]),
    nodes: [...parts.nodes("before"), node, ...parts.nodes("after")],
    values: new Map([...graph.values, [count.name, count]]),
  };
  return { graph: nest, widenedInside: parts.widened };
}

/**
 * The initializers, and the nodes of each region. A weight that only inner graphs
 * read passes through a node in each, which a runtime folds as it loads: ONNX Runtime
 * changes the layout of a convolution's filter only if it is of the same graph.
 */
class Parts {
  readonly initializers = new Map<string, Initializer>();
  readonly widened = new Set<string>();
  readonly #nodes: Map<Region, readonly Node[]>;

  constructor(graph: Graph) {
    const regions = regionsOf(graph);
    this.#nodes = Map.groupBy(graph.nodes, (node) => regions.of.get(node)!);
    for (const each of graph.initializers.values()) {
      this.#add(each, insides(regions.reading.get(each.name)));
    }
  }

  #add(initializer: Initializer, regions: readonly Region[]): void {
    const { name, role, dtype } = initializer;
    const isWeight = role === "parameter" && dtype === "float32";
    if (regions.length === 0 || !isWeight) {
      this.initializers.set(name, initializer);
      return;
    }
    if (isStored(initializer)) {
      this.widened.add(name);
      this.initializers.set(name, initializer);
      this.#begin(regions, castOf(initializer));
      return;
    }
    const outer = `${name}:outer`;
    this.initializers.set(outer, { ...initializer, name: outer });
    const own = { inputs: [outer], outputs: [name] };
    // The runtime removes an `Identity` before it folds constants.
    this.#begin(regions, operatorNode("Sum", own));
  }

  #begin(regions: readonly Region[], node: Node): void {
    for (const region of regions) {
      this.#nodes.set(region, [node, ...this.nodes(region)]);
    }
  }

  nodes(region: Region): readonly Node[] {
    return this.#nodes.get(region) ?? [];
  }
}

/** The inner regions that get a node for a weight: none if an outer one reads it, else "loop" or the branches. */
function insides(readers: ReadonlySet<Region> = new Set()): Region[] {
  if (readers.has("before") || readers.has("after")) return [];
  return readers.has("loop") ? ["loop"] : [...readers];
}

function operatorNode(
  op: string,
  { attributes = {}, ...values }:
    & Pick<Node, "inputs" | "outputs">
    & Partial<Pick<Node, "attributes">>,
): Node {
  return { op, domain: "", name: values.outputs[0], attributes, ...values };
}

/** A graph inside of a node of another graph. */
const inner = (
  { values }: Graph,
  own: Omit<Graph, "values" | "initializers">,
): Graph => ({ ...own, initializers: new Map(), values });

/** The body of the `Loop`: one iteration. */
function body(graph: Graph, parts: Parts): Graph {
  const { index, branches, state } = graph.loop!;
  const flag = (name: string): Value => ({ name, dtype: "bool", shape: [] });
  const choice = branchesFrom(graph, parts, [0, branches]);
  const still = operatorNode("Identity", {
    inputs: [names.goesOn],
    outputs: [names.still],
  });
  return inner(graph, {
    name: `${graph.name}:loop`,
    inputs: [
      valueOf(graph, index),
      flag(names.goesOn),
      ...state.map((name) => valueOf(graph, loopNames.now(name))),
    ],
    outputs: [flag(names.still), ...choice.outputs],
    nodes: [still, ...parts.nodes("loop"), ...choice.nodes],
  });
}

/** Nodes that choose one of the branches `begin` to `end` (exclusive) by bisection, and its state as outputs. */
function branchesFrom(
  graph: Graph,
  parts: Parts,
  [begin, end]: readonly [number, number],
): Pick<Graph, "nodes" | "outputs"> {
  const next = graph.loop!.state.map((name) =>
    valueOf(graph, loopNames.next(begin, name))
  );
  if (end === begin + 1) return { nodes: parts.nodes(begin), outputs: next };
  const middle = (begin + end) >> 1;
  const of = (from: number, to: number) => {
    const name = `${graph.name}:branches.${from}-${to - 1}`;
    const own = branchesFrom(graph, parts, [from, to]);
    return inner(graph, { name, inputs: [], ...own });
  };
  const outputs = next.map((value, i) => ({
    ...value,
    name: `loop.left.${begin}-${end - 1}.${i}`,
  }));
  const node = operatorNode("If", {
    inputs: [loopNames.before(middle)],
    outputs: outputs.map(({ name }) => name),
    attributes: {
      then_branch: of(begin, middle),
      else_branch: of(middle, end),
    },
  });
  return { nodes: [node], outputs };
}
