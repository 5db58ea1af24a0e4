/**
 * Multiply-accumulates of a graph, node by node, in the conventions that papers
 * differ in: with attention's products (`total`), without (`weights`), and as
 * DiP-GO's counter prints them (`paper`: with biases and norms). Activations,
 * softmax, residual additions and interpolation count nothing in any of them.
 */
import { type Graph, type Node, valueOf } from "./graph.ts";
import type { Cost } from "./ops/operator.ts";
import { operatorOf } from "./ops/registry.ts";

/** The multiply-accumulates of one operator, or of several. */
export interface Macs {
  /** Convolutions: output elements x kernel elements x input channels of a group. */
  readonly conv: number;
  /** Products with a weight: rows x in x out. */
  readonly linear: number;
  /** Products of two activations: QKᵀ and its product with V. */
  readonly attention: number;
  /** conv + linear + attention: the default for budgets. */
  readonly total: number;
  /** conv + linear. */
  readonly weights: number;
  /**
   * weights + 1 an output element for a convolution's bias + a linear bias's
   * elements once a call + 2 an element for an affine norm, 1 for another.
   */
  readonly paper: number;
}

/** The cost of each node that costs something, by node name. */
export type MacsByNode = ReadonlyMap<string, Macs>;

function counted(
  { conv = 0, linear = 0, attention = 0, norm = 0, affine = 0 }: Cost,
): Macs {
  const weights = conv + linear;
  const total = weights + attention;
  return {
    conv,
    linear,
    attention,
    total,
    weights,
    paper: weights + norm + affine,
  };
}

/** A function from a graph's nodes to their costs; undefined has none. */
function costsOf(graph: Graph): (node: Node | undefined) => Cost {
  const makers = new Map(
    graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node])),
  );
  /** The name of the value that `name` rearranges; `name` if it rearranges none. */
  const sourceOf = (name: string): string => {
    const node = makers.get(name);
    const rearranges = node && operatorOf(node).rearranges;
    return rearranges ? sourceOf(node.inputs[0]) : name;
  };
  const isWeight = (name: string): boolean => {
    const source = sourceOf(name);
    const node = makers.get(source);
    return node?.op === "Concat"
      ? node.inputs.every(isWeight)
      : graph.initializers.get(source)?.role === "parameter";
  };
  const costOf = (node: Node | undefined): Cost => {
    const rule = node && operatorOf(node).macs;
    if (!rule) return {};
    const { inputs, outputs } = node;
    return rule({
      node,
      inputs: inputs.map((name) => name === "" ? null : valueOf(graph, name)),
      y: valueOf(graph, outputs[0]),
      isWeight: (i) => isWeight(inputs[i]),
      costOf: (i) => costOf(makers.get(inputs[i])),
      sourceCostOf: (i) => costOf(makers.get(sourceOf(inputs[i]))),
    });
  };
  return costOf;
}

/**
 * Multiply-accumulates of every node that has any, in the graph's order. The
 * graph needs no weights.
 *
 * A linear layer is a product with a `parameter` (transposed, reshaped or
 * joined from several); any other product counts as attention.
 *
 * @example A linear layer
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { GraphBuilder } from "./builder.ts";
 *
 * const g = new GraphBuilder("layer");
 * const x = g.input("x", "float32", [2, 4]);
 * const graph = g.build({ y: g.matMul(x, g.parameter("w", [4, 3])) });
 *
 * assertEquals(macsOfGraph(graph).get("MatMul")?.linear, 2 * 4 * 3);
 * ```
 */
export function macsOfGraph(graph: Graph): MacsByNode {
  const costOf = costsOf(graph);
  const macs = new Map<string, Macs>();
  for (const node of graph.nodes) {
    const cost = counted(costOf(node));
    if (cost.total + cost.paper > 0) macs.set(node.name, cost);
  }
  return macs;
}

/** The sum of costs; zeros if there are none. */
export function sumMacs(costs: Iterable<Macs>): Macs {
  const sum = { ...counted({}) };
  for (const cost of costs) {
    for (const key of Object.keys(sum) as (keyof Macs)[]) sum[key] += cost[key];
  }
  return sum;
}
