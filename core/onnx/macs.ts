/**
 * Multiply-accumulates of a graph, node by node, in the conventions that papers
 * differ in: with attention's products (`total`), without (`weights`), and as
 * DiP-GO's counter prints them (`paper`: with biases and norms). Activations,
 * softmax, residual additions and interpolation count nothing in any of them.
 */
import { sizeOf } from "../tensor/tensor.ts";
import { intAttribute } from "./attributes.ts";
import { type Graph, type Node, valueOf } from "./graph.ts";

/** What one operator, or a sum of them, costs in multiply-accumulates. */
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

/** What a rule counts: products by kind, and what only `paper` adds. */
interface Counted {
  readonly conv?: number;
  readonly linear?: number;
  readonly attention?: number;
  readonly paperOnly?: number;
}

/** A graph with what the rules ask of a value. */
interface Context {
  readonly graph: Graph;
  readonly producers: ReadonlyMap<string, Node>;
}

type Rule = (node: Node, context: Context) => Counted;

function counted(
  { conv = 0, linear = 0, attention = 0, paperOnly = 0 }: Counted,
): Macs {
  const weights = conv + linear;
  const total = weights + attention;
  return {
    conv,
    linear,
    attention,
    total,
    weights,
    paper: weights + paperOnly,
  };
}

/** Operators that only rearrange their first input. */
const rearrangements = new Set([
  "Cast",
  "Identity",
  "Reshape",
  "Slice",
  "Split",
  "Transpose",
]);

/** The name of the value that `name` rearranges; itself where it is none. */
function sourceOf(name: string, { producers }: Context): string {
  for (;;) {
    const node = producers.get(name);
    if (!node || !rearrangements.has(node.op)) return name;
    name = node.inputs[0];
  }
}

/** True for a parameter, rearranged or joined from several (packed query, key and value). */
function isWeight(name: string, context: Context): boolean {
  const source = sourceOf(name, context);
  const node = context.producers.get(source);
  if (node?.op === "Concat") {
    return node.inputs.every((i) => isWeight(i, context));
  }
  return context.graph.initializers.get(source)?.role === "parameter";
}

const shapeOf = (name: string, { graph }: Context): readonly number[] =>
  valueOf(graph, name).shape;

const elements = (name: string, context: Context): number =>
  sizeOf(shapeOf(name, context));

/** Conv: `[B, I, ...]` by `[O, I/group, ...]`; each output element meets one filter. */
const conv: Rule = ({ inputs: [, w, b], outputs: [y] }, context) => {
  const outputs = elements(y, context);
  return {
    conv: outputs * sizeOf(shapeOf(w, context).slice(1)),
    paperOnly: b ? outputs : 0,
  };
};

/** ConvTranspose: `[B, I, ...]` by `[I, O/group, ...]`; each input element meets one filter. */
const convTranspose: Rule = ({ inputs: [x, w, b], outputs: [y] }, context) => ({
  conv: elements(x, context) * sizeOf(shapeOf(w, context).slice(1)),
  paperOnly: b ? elements(y, context) : 0,
});

/** MatMul, FusedMatMul and Gemm: linear where an operand is a weight; output elements x inner dimension. */
const product: Rule = (node, context) => {
  const { inputs: [a, b, c], outputs: [y] } = node;
  const shape = shapeOf(a, context);
  const inner = shape.at(intAttribute(node, "transA", 0) ? -2 : -1)!;
  const macs = elements(y, context) * inner;
  if (!isWeight(a, context) && !isWeight(b, context)) {
    return { attention: macs };
  }
  const hasBias = c !== undefined && isWeight(c, context);
  return { linear: macs, paperOnly: hasBias ? elements(c, context) : 0 };
};

/** A bias written as an Add of a one-dimensional parameter to a product with a weight. */
const add: Rule = ({ inputs }, context) => {
  for (const [bias, sum] of [inputs, inputs.toReversed()]) {
    if (shapeOf(bias, context).length !== 1 || !isWeight(bias, context)) {
      continue;
    }
    const node = context.producers.get(sum);
    const isLinear = node && rules[node.op] === product &&
      product(node, context).linear !== undefined;
    if (isLinear) return { paperOnly: elements(bias, context) };
  }
  return {};
};

/** MultiHeadAttention: QKᵀ is B·L·S·D, its product with V is B·L·S·Dv. */
const multiHeadAttention: Rule = ({ inputs: [q, k, v] }, context) => {
  const [B, L, D] = shapeOf(q, context);
  const [, S] = shapeOf(k, context);
  const Dv = shapeOf(v, context)[2];
  return { attention: B * L * S * (D + Dv) };
};

/** LayerNormalization and InstanceNormalization; affine where the scale is a parameter, not a constant. */
const normalization: Rule = ({ inputs: [x, scale] }, context) => ({
  paperOnly: elements(x, context) * (isWeight(scale, context) ? 2 : 1),
});

/**
 * The affine part of a norm spelled out, as in GroupNorm: InstanceNormalization
 * over `[B, G, ...]` with constant scale, reshaped to `[B, C, H, W]`, then Mul
 * by a parameter. The norm counts 1 an element, this Mul the other.
 */
const mul: Rule = ({ inputs, outputs: [y] }, context) => {
  const isNorm = (name: string) => {
    const node = context.producers.get(sourceOf(name, context));
    return node !== undefined && rules[node.op] === normalization;
  };
  const isAffine = inputs.some((i) => isWeight(i, context)) &&
    inputs.some(isNorm);
  return { paperOnly: isAffine ? elements(y, context) : 0 };
};

const rules: Readonly<Record<string, Rule>> = {
  Add: add,
  Conv: conv,
  ConvTranspose: convTranspose,
  FusedMatMul: product,
  Gemm: product,
  InstanceNormalization: normalization,
  LayerNormalization: normalization,
  MatMul: product,
  MultiHeadAttention: multiHeadAttention,
  Mul: mul,
};

/**
 * Multiply-accumulates of every node that has any, in the graph's order. The
 * graph needs no weights.
 *
 * A linear layer is a product with a `parameter` (transposed, reshaped or
 * joined from several); any other product counts as attention.
 */
export function macsOfGraph(graph: Graph): MacsByNode {
  const producers = new Map(
    graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node])),
  );
  const macs = new Map<string, Macs>();
  for (const node of graph.nodes) {
    const cost = counted(rules[node.op]?.(node, { graph, producers }) ?? {});
    if (cost.total + cost.paper > 0) macs.set(node.name, cost);
  }
  return macs;
}

/** The sum of costs; of none, zeros. */
export function sumMacs(costs: Iterable<Macs>): Macs {
  const sum = {
    conv: 0,
    linear: 0,
    attention: 0,
    total: 0,
    weights: 0,
    paper: 0,
  };
  for (const cost of costs) {
    for (const key of Object.keys(sum) as (keyof Macs)[]) sum[key] += cost[key];
  }
  return sum;
}

/**
 * Costs summed by the first `depth` parts of the nodes' module paths, in the
 * graph's order: at depth 2, `transformer_blocks.0.attn1.to_q/Gemm` belongs to
 * `transformer_blocks.0`. A node outside any module belongs to `""`.
 *
 * @example Two layers of one block
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { GraphBuilder } from "./builder.ts";
 *
 * const g = new GraphBuilder("model");
 * const x = g.input("x", "float32", [2, 4]);
 * const layer = (name: string) =>
 *   g.scope(name, () => g.matMul(x, g.parameter(name, [4, 3])));
 * const graph = g.build({ a: layer("block.0.a"), b: layer("block.0.b") });
 *
 * assertEquals(macsByModule(macsOfGraph(graph), 2).get("block.0")?.total, 48);
 * ```
 */
export function macsByModule(
  macs: MacsByNode,
  depth: number,
): ReadonlyMap<string, Macs> {
  const groups = Map.groupBy(macs, ([name]) => modulePrefix(name, depth));
  return new Map(
    [...groups].map((
      [path, nodes],
    ) => [path, sumMacs(nodes.map(([, cost]) => cost))]),
  );
}

function modulePrefix(node: string, depth: number): string {
  const path = node.split("/").slice(0, -1).join(".");
  return path.split(".").slice(0, depth).join(".");
}
