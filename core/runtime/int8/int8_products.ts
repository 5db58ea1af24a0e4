/**
 * Products with constant weights in 8-bit integers (Jacob et al., 2018,
 * arXiv 1712.05877). Weights are quantised beforehand, a scale for each channel;
 * the other operand x at each run, with the scale and zero point of its range.
 * In operators of ONNX, which ONNX Runtime fuses:
 *
 *   q, s, z = DynamicQuantizeLinear(x)
 *   y = Cast(MatMulInteger(q, W, z)) · (s · scales) + bias
 *
 * If two runtimes compute an x that differs in the last bit, some elements round to
 * different integers, and within a few layers results differ by as much as 8 bits
 * round. With a second product, of the remainder of x, it is as much as 16 bits do.
 */
import type { GraphBuilder } from "../../onnx/builder.ts";
import type { Quantized } from "../../onnx/operations.ts";
import type { Graph, Initializer, Node, Value } from "../../onnx/graph.ts";
import { productOf } from "../../onnx/ops/products/product.ts";
import type { RewriteCall } from "../../onnx/rewrites/rewrite.ts";
import type { Int8Passes } from "../session_options.ts";
import { roundedWeight } from "./int8_weights.ts";
import { addWeight } from "./quantized_weight.ts";

/** The constant weight `[K, N]`, or `[N, K]` if transposed, that a product can have in 8 bits, or undefined. */
export function productWeight(
  graph: Pick<Graph, "initializers">,
  node: Node,
): Initializer | undefined {
  const { alpha, transA } = productOf(node);
  const isPlain = node.op !== "Conv" && !transA && alpha === 1 &&
    (node.attributes.beta ?? 1) === 1;
  return isPlain ? roundedWeight(graph, node) : undefined;
}

/**
 * The largest magnitude of a weight's integers. CPUs without VNNI add two 8-bit
 * products in 16 bits, which saturate: 2 · 255 · 64 just fits. So all CPUs
 * compute the same, with one bit less than 8.
 */
const largest = 64;

/** Emits products in 8 bits into one graph; products share quantised inputs and weights. */
export class ProductsInInt8 {
  #inputs = new Map<string, readonly Quantized[]>();
  #weights = new Map<string, ReturnType<typeof addWeight>>();

  /** @param passes The number of 8-bit products for each product. */
  constructor(private readonly passes: Int8Passes = 1) {}

  /** The output of a product with its weight in 8 bits. @throws As `tensorOf`. */
  emit(
    { g, node, inputs: [x, , bias] }: RewriteCall,
    weight: Initializer,
  ): Value {
    const parts = this.#inputs.getOrInsertComputed(
      x!.name,
      () => this.#quantized(g, x!),
    );
    const turned = productOf(node).transB === 1;
    const rounding = { axis: turned ? 0 : 1, largest, turned };
    const w = this.#weights.getOrInsertComputed(
      weight.name,
      () => addWeight(g, weight, rounding),
    );
    const y = parts.map(({ quantized, zeroPoint, scale }) => {
      const sums = g.matMulInteger(quantized, w.integers, zeroPoint);
      return g.mul(g.cast(sums, "float32"), g.mul(scale, w.scales));
    }).reduce((a, b) => g.add(a, b));
    return bias ? g.add(y, bias) : y;
  }

  #quantized(g: GraphBuilder, x: Value): Quantized[] {
    const whole = g.dynamicQuantizeLinear(x);
    if (this.passes === 1) return [whole];
    const rest = g.sub(x, g.dequantizeLinear(whole));
    return [whole, g.dynamicQuantizeLinear(rest)];
  }
}
