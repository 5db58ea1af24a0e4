/** Cost and gradient of all matrix products: Y = α op(A) op(B), where op transposes or not. */
import { sizeOf } from "../../../tensor/tensor.ts";
import type { Node, Value } from "../../graph.ts";
import type { Cost, MacsCall } from "../operator.ts";

type Bit = 0 | 1;
const not = (bit: Bit): Bit => bit ? 0 : 1;

/** α, and which operands are transposed. */
export interface Product {
  readonly alpha: number;
  readonly transA: Bit;
  readonly transB: Bit;
}

export const productOf = (node: Node): Product => ({
  alpha: node.attributes.alpha ?? 1,
  transA: (node.attributes.transA ?? 0) as Bit,
  transB: (node.attributes.transB ?? 0) as Bit,
});

/** Output elements x inner dimension: `linear` if an operand is a weight, else `attention`. */
export function productMacs(call: MacsCall): Cost {
  const { node, inputs: [a, , c], y, isWeight } = call;
  const inner = a!.shape.at(productOf(node).transA ? -2 : -1)!;
  const macs = sizeOf(y.shape) * inner;
  if (!isWeight(0) && !isWeight(1)) return { attention: macs };
  return { linear: macs, affine: c && isWeight(2) ? sizeOf(c.shape) : 0 };
}

type Multiply = (a: Value, b: Value, options: Product) => Value;

/**
 * dA, in A's own layout:
 *
 *   A plain: dA = α dY op(B)ᵀ      A transposed: dA = α op(B) dYᵀ
 */
export const leftCotangent = (
  multiply: Multiply,
  [b, dy]: readonly [Value, Value],
  { alpha, transA, transB }: Product,
): Value =>
  transA
    ? multiply(b, dy, { alpha, transA: transB, transB: 1 })
    : multiply(dy, b, { alpha, transA: 0, transB: not(transB) });

/**
 * dB, in B's own layout:
 *
 *   B plain: dB = α op(A)ᵀ dY      B transposed: dB = α dYᵀ op(A)
 */
export const rightCotangent = (
  multiply: Multiply,
  [a, dy]: readonly [Value, Value],
  { alpha, transA, transB }: Product,
): Value =>
  transB
    ? multiply(dy, a, { alpha, transA: 1, transB: transA })
    : multiply(a, dy, { alpha, transA: not(transA), transB: 0 });
