/** Common subexpressions: nodes that compute the same from the same values become one node. */
import type { Tensor } from "../../tensor/tensor.ts";
import type { Graph, Initializer, Node } from "../graph.ts";
import { type Region, regionsOf } from "../loops/regions.ts";

/** Larger constants count as equal only if they share memory: a comparison would take longer than it saves. */
const comparedElements = 4096;

/** A key that equal constants share; null without data. @param numbers Numbers of one graph's large arrays. */
function constantKey(
  { dtype, shape, data: tensor }: Initializer,
  numbers: Map<object, number>,
): string | null {
  if (!tensor) return null;
  const { data } = tensor as Tensor;
  const values = data.length <= comparedElements
    ? data.join()
    : `#${numbers.getOrInsert(data, numbers.size)}`;
  return `${dtype}[${shape}]${values}`;
}

const nodeKey = (
  { op, domain, attributes, single }: Node,
  inputs: string[],
  region: Region,
): string =>
  JSON.stringify([
    ...[region, domain, op, inputs, single],
    Object.entries(attributes).sort(),
  ]);

/** Names of earlier values, by the names of later values that equal them. */
class Renamed {
  readonly #names = new Map<string, string>();
  readonly #first = new Map<string, readonly string[]>();

  name(name: string): string {
    return this.#names.get(name) ?? name;
  }

  /** Whether the key was seen before; if so, the values `own` get the names of the values seen with it. */
  isKnown(key: string, own: readonly string[]): boolean {
    const first = this.#first.getOrInsert(key, own);
    if (first === own) return false;
    own.forEach((name, i) => this.#names.set(name, first[i]));
    return true;
  }
}

/**
 * The graph without nodes and constants that equal an earlier one. A node stays if
 * it makes an output of the graph, or runs in another region of a loop. Every
 * operator is a pure function, so equal inputs give equal outputs.
 */
export function shareNodes(graph: Graph): Graph {
  const renamed = new Renamed();
  const numbers = new Map<object, number>();
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const initializers = new Map<string, Initializer>();
  for (const [name, initializer] of graph.initializers) {
    const key = initializer.role === "constant"
      ? constantKey(initializer, numbers)
      : null;
    if (outputs.has(name) || key === null || !renamed.isKnown(key, [name])) {
      initializers.set(name, initializer);
    }
  }
  const nodes: Node[] = [];
  const regions = regionsOf(graph);
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => renamed.name(name));
    const isOutput = node.outputs.some((name) => outputs.has(name));
    const key = nodeKey(node, inputs, regions.of.get(node)!);
    if (!isOutput && renamed.isKnown(key, node.outputs)) continue;
    nodes.push({ ...node, inputs });
  }
  const values = new Map(
    [...graph.values].filter(([name]) => renamed.name(name) === name),
  );
  return { ...graph, initializers, nodes, values };
}
