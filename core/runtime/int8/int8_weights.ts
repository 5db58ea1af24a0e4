/**
 * Weights alone in 8 bits: files have half the bytes of 16-bit ones. Products
 * and convolutions read W = Cast(integers) · scales, one scale a channel of the
 * output, in float32, so runtimes agree as they do in float32. They fold both
 * nodes as they load: of a `DequantizeLinear` ONNX Runtime makes a copy for each
 * node that reads it, and runs all of them.
 */
import type { Graph, Initializer, Node, Value } from "../../onnx/graph.ts";
import { productOf } from "../../onnx/ops/products/product.ts";
import { copied, type RewriteCall } from "../../onnx/rewrites/rewrite.ts";
import { addWeight } from "./quantized_weight.ts";

const largest = 127;

/** The constant weight of a product, `[K, N]` or `[N, K]`, or of a convolution, `[N, C, …]`; undefined where there is none. */
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

  /** As `ProductsInInt8`'s, of a convolution too. */
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
