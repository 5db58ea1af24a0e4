/**
 * A graph's loop as ONNX has it: a `Loop` whose body is a graph of its own, and
 * in it an `If` for every choice between branches. Inner graphs read values of
 * outer ones by name; all weights stay in the outermost.
 */
import { graph as graphAttribute } from "../attributes.ts";
import {
  type Attribute,
  type Graph,
  type Node,
  type Value,
  valueOf,
} from "../graph.ts";
import { outside } from "./outside.ts";
import { type Region, regionsOf } from "./regions.ts";

/** Inputs and outputs of a body that no other of its nodes has to do with. */
const names = {
  goesOn: "loop.goes_on",
  still: "loop.still",
  count: "loop.count",
};

/** The graph with an ONNX `Loop` for its loop, its inputs and outputs those outside of it. */
export function nested(graph: Graph): Graph {
  const { loop } = graph;
  if (!loop) return graph;
  const regions = Map.groupBy(graph.nodes, regionOf(regionsOf(graph)));
  const nodesIn = (region: Region) => regions.get(region) ?? [];
  const count: Value = { name: names.count, dtype: "int64", shape: [] };
  const data = BigInt64Array.of(BigInt(loop.count));
  const own = { ...count, role: "constant", data: { ...count, data } } as const;
  const node = operatorNode("Loop", {
    inputs: [count.name, "", ...loop.carried.map(({ first }) => first)],
    outputs: loop.carried.map(({ last }) => last),
    attributes: { body: graphAttribute(body(graph, nodesIn)) },
  });
  return {
    name: graph.name,
    ...outside(graph),
    initializers: new Map([...graph.initializers, [count.name, own]]),
    nodes: [...nodesIn("before"), node, ...nodesIn("after")],
    values: new Map([...graph.values, [count.name, count]]),
  };
}

const regionOf = (regions: ReadonlyMap<Node, Region>) => (node: Node): Region =>
  regions.get(node)!;

function operatorNode(
  op: string,
  { attributes = {}, ...values }: Pick<Node, "inputs" | "outputs"> & {
    readonly attributes?: Readonly<Record<string, Attribute>>;
  },
): Node {
  return { op, domain: "", name: values.outputs[0], attributes, ...values };
}

/** A graph inside of another. */
const inner = (
  { values }: Graph,
  { name, inputs = [], outputs, nodes }:
    & Pick<Graph, "name" | "outputs" | "nodes">
    & Partial<Pick<Graph, "inputs">>,
): Graph => ({ name, inputs, outputs, nodes, initializers: new Map(), values });

/** What runs again and again. */
function body(
  graph: Graph,
  nodesIn: (region: Region) => readonly Node[],
): Graph {
  const { index, carried } = graph.loop!;
  const flag = (name: string): Value => ({ name, dtype: "bool", shape: [] });
  const choice = branchesFrom(graph, nodesIn, [0, carried[0].next.length]);
  const still = operatorNode("Identity", {
    inputs: [names.goesOn],
    outputs: [names.still],
  });
  return inner(graph, {
    name: `${graph.name}:loop`,
    inputs: [
      valueOf(graph, index),
      flag(names.goesOn),
      ...carried.map(({ now }) => valueOf(graph, now)),
    ],
    outputs: [flag(names.still), ...choice.outputs],
    nodes: [still, ...nodesIn("loop"), ...choice.nodes],
  });
}

/** Nodes that take one of the branches from `begin` to `end`, and what they leave. */
function branchesFrom(
  graph: Graph,
  nodesIn: (region: Region) => readonly Node[],
  [begin, end]: readonly [number, number],
): Pick<Graph, "nodes" | "outputs"> {
  const { before, carried } = graph.loop!;
  const next = carried.map((each) => valueOf(graph, each.next[begin]));
  if (end === begin + 1) return { nodes: nodesIn(begin), outputs: next };
  const middle = (begin + end) >> 1;
  const of = (from: number, to: number) => {
    const name = `${graph.name}:branches.${from}-${to - 1}`;
    const own = branchesFrom(graph, nodesIn, [from, to]);
    return graphAttribute(inner(graph, { name, ...own }));
  };
  const outputs = next.map((value, i) => ({
    ...value,
    name: `loop.left.${begin}-${end - 1}.${i}`,
  }));
  const node = operatorNode("If", {
    inputs: [before[middle - 1]],
    outputs: outputs.map(({ name }) => name),
    attributes: {
      then_branch: of(begin, middle),
      else_branch: of(middle, end),
    },
  });
  return { nodes: [node], outputs };
}
