/**
 * Weights alone in 8 bits: files are half as large as with 16 bits. Products and
 * convolutions read W = Cast(integers) · scales, with a scale for each output
 * channel, in float32, so that runtimes agree as in float32. Runtimes fold both
 * nodes as they load; a `DequantizeLinear` instead ONNX Runtime copies for each
 * node that reads it, and runs every copy.
 */
import type { Graph, Initializer, Node, Value } from "../../onnx/graph.ts";
import { productOf } from "../../onnx/ops/products/product.ts";
import { copied, type RewriteCall } from "../../onnx/rewrites/rewrite.ts";
import { addWeight } from "./quantized_weight.ts";

const largest = 127;

/** The constant weight of a product, `[K, N]` or `[N, K]`, or a convolution, `[N, C, …]`; undefined if none. */
export function roundedWeight(
  { initializers }: Pick<Graph, "initializers">,
  node: Node,
): Initializer | undefined {
  const weight = initializers.get(node.inputs[1]);
  const isWeight = weight?.role === "parameter" && weight.dtype === "float32" &&
    weight.shape.length === (node.op === "Conv" ? 4 : 2);
  const reads = ["Gemm", "MatMul", "Conv"].includes(node.op);
  return isWeight && reads ? weight : undefined;
}

/** Emits nodes that read weights in 8 bits into one graph; each weight is made once. */
export class WeightsInInt8 {
  #weights = new Map<string, Value>();

  /** The output of a product or convolution with its weight in 8 bits. @throws As `tensorOf`. */
  emit(call: RewriteCall, weight: Initializer): Value {
    const { g, node, inputs } = call;
    const w = this.#weights.getOrInsertComputed(weight.name, () => {
      const axis = node.op === "Conv" || productOf(node).transB ? 0 : 1;
      const { integers, scales } = addWeight(g, weight, { axis, largest });
      return g.mul(g.cast(integers, "float32"), scales);
    });
    return copied({ ...call, inputs: inputs.with(1, w) })[0];
  }
}
