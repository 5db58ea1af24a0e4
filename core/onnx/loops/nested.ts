/**
 * A graph's loop as ONNX has it: a `Loop` whose body is a graph of its own, and
 * in it an `If` for every choice between branches. Inner graphs read values of
 * outer ones by name. All weights stand in the outermost: onnxruntime-web reads no
 * external data of others.
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

/** Inputs and outputs of a body that no other of its nodes has to do with. */
const names = {
  goesOn: "loop.goes_on",
  still: "loop.still",
  count: "loop.count",
};

/** A graph as ONNX has it. */
export interface Nested {
  readonly graph: Graph;
  /** Stored weights that graphs inside of it widen. */
  readonly widenedInside: ReadonlySet<string>;
}

/** The graph with an ONNX `Loop` for its loop, its inputs and outputs those outside of it. */
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
 * What belongs to each region. A weight that graphs inside read alone they get by a
 * node of their own, which a runtime computes as it loads: ONNX Runtime lays a
 * convolution's filter out anew only where it is its graph's own.
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
    // An `Identity` would be taken out before constants are computed.
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

/** The regions inside that read what none outside does: one that the others see, or each branch. */
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

/** A graph inside of another. */
const inner = (
  { values }: Graph,
  own: Omit<Graph, "values" | "initializers">,
): Graph => ({ ...own, initializers: new Map(), values });

/** What runs again and again. */
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

/** Nodes that take one of the branches from `begin` to `end`, and what they leave. */
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
