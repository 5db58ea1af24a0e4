/** Common subexpressions: what a graph computes twice from the same values is computed once. */
import type { Tensor } from "../../tensor/tensor.ts";
import type { Graph, Initializer, Node } from "../graph.ts";
import { type Region, regionsOf } from "../loops/regions.ts";

/** Larger constants are equal only if they are the same in memory: to compare them would take longer than it saves. */
const comparedElements = 4096;

/** @param numbers Of the large arrays of one graph. */
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
  { op, domain, attributes }: Node,
  inputs: string[],
  region: Region,
): string =>
  JSON.stringify([
    region,
    domain,
    op,
    inputs,
    Object.entries(attributes).sort(),
  ]);

/** Names of the values that equal an earlier one, by their own. */
class Renamed {
  readonly #names = new Map<string, string>();
  readonly #first = new Map<string, readonly string[]>();

  name(name: string): string {
    return this.#names.get(name) ?? name;
  }

  /** Whether something with this key was seen; then `own` bear the names of what it made. */
  isKnown(key: string, own: readonly string[]): boolean {
    const first = this.#first.getOrInsert(key, own);
    if (first === own) return false;
    own.forEach((name, i) => this.#names.set(name, first[i]));
    return true;
  }
}

/**
 * The graph without nodes and constants that equal an earlier one. A node
 * that makes an output of the graph stays, and one that runs in another branch of
 * a loop. Every operator of ours is a pure function, so equal inputs give equal
 * outputs.
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
