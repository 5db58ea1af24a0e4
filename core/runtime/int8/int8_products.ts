/**
 * Products of constant weights in 8-bit integers (Jacob et al., 2018,
 * arXiv 1712.05877): weights beforehand, a scale a channel; what they are
 * multiplied with at each run, with the scale that its range asks for. In
 * operators of ONNX, which ONNX Runtime fuses:
 *
 *   q, s, z = DynamicQuantizeLinear(x)
 *   y = Cast(MatMulInteger(q, W, z)) · (s · scales) + bias
 *
 * An input that another runtime computes a last bit apart rounds to another
 * integer here and there, and within a few layers that is as large an error as
 * that of 8 bits. With a second product of what rounding left of x, it is that of 16.
 */
import type { GraphBuilder } from "../../onnx/builder.ts";
import type { Quantized } from "../../onnx/operations.ts";
import type { Graph, Initializer, Node, Value } from "../../onnx/graph.ts";
import { productOf } from "../../onnx/ops/products/product.ts";
import type { RewriteCall } from "../../onnx/rewrites/rewrite.ts";
import type { Int8Passes } from "../session_options.ts";
import { roundedWeight } from "./int8_weights.ts";
import { addWeight } from "./quantized_weight.ts";

/** The constant weight `[K, N]` or, transposed, `[N, K]` that a product could have in 8 bits; undefined where there is none. */
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
 * The largest magnitude of a weight. CPUs without VNNI add two products of 8
 * bits in 16, which saturate: 2 · 255 · 64 just fits. So all CPUs compute the
 * same, one bit coarser than eight hold.
 */
const largest = 64;

/** Emits products in 8 bits into one graph; what several read is there once. */
export class ProductsInInt8 {
  #inputs = new Map<string, readonly Quantized[]>();
  #weights = new Map<string, ReturnType<typeof addWeight>>();

  /** @param passes Products of 8 bits that one takes. */
  constructor(private readonly passes: Int8Passes = 1) {}

  /**
   * The output of a product with its weight in 8 bits.
   *
   * @throws {RangeError} If the weight has no data, or its file ends before it.
   */
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
