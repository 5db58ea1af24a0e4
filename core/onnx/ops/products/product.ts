/** VJP rules of matrix products. */
import { floatAttribute, intAttribute } from "../../attributes.ts";
import type { GraphBuilder } from "../../builder.ts";
import type { Value } from "../../graph.ts";
import type { VjpCall, VjpRule } from "../operator.ts";

type Bit = 0 | 1;
const not = (bit: Bit): Bit => bit ? 0 : 1;

interface Product {
  readonly alpha: number;
  readonly transA: Bit;
  readonly transB: Bit;
}

function productOf({ node }: VjpCall): Product {
  return {
    alpha: floatAttribute(node, "alpha", 1),
    transA: intAttribute(node, "transA", 0) as Bit,
    transB: intAttribute(node, "transB", 0) as Bit,
  };
}

type Multiply = (a: Value, b: Value, options: Product) => Value;

/**
 * Y = α op(A) op(B). With dA in A's own layout:
 *
 *   A plain: dA = α dY op(B)ᵀ      A transposed: dA = α op(B) dYᵀ
 *   B plain: dB = α op(A)ᵀ dY      B transposed: dB = α dYᵀ op(A)
 */
function leftCotangent(
  multiply: Multiply,
  b: Value,
  dy: Value,
  p: Product,
): Value {
  const { alpha, transA, transB } = p;
  return transA
    ? multiply(b, dy, { alpha, transA: transB, transB: 1 })
    : multiply(dy, b, { alpha, transA: 0, transB: not(transB) });
}

function rightCotangent(
  multiply: Multiply,
  a: Value,
  dy: Value,
  p: Product,
): Value {
  const { alpha, transA, transB } = p;
  return transB
    ? multiply(dy, a, { alpha, transA: 1, transB: transA })
    : multiply(a, dy, { alpha, transA: not(transA), transB: 0 });
}

/** Gemm, Y = α op(A) op(B) + β C. */
export const gemmVjp: VjpRule = (call) => {
  const { g, node, x: a, inputs, dy, wants } = call;
  const product = productOf(call);
  const beta = floatAttribute(node, "beta", 1);
  const multiply: Multiply = (p, q, options) => g.gemm(p, q, null, options);
  return [
    wants(0) ? leftCotangent(multiply, inputs[1]!, dy, product) : null,
    wants(1) ? rightCotangent(multiply, a, dy, product) : null,
    wants(2) ? (beta === 1 ? dy : g.mul(dy, g.scalar(beta))) : null,
  ];
};

/** All axes but the last flattened: `[..., K]` → `[M, K]`. */
function asMatrix(g: GraphBuilder, x: Value): Value {
  return g.reshape(x, [-1, x.shape[x.shape.length - 1]]);
}

/**
 * MatMul and FusedMatMul over the last two axes, batch axes broadcast; B may be a vector.
 *
 * @throws {RangeError} If A's first axis is read as a row's (`transBatchA`): only graphs of a session's last form do that.
 */
export const matMulVjp: VjpRule = (call) => {
  const { g, node, x: a, inputs, wants } = call;
  if (intAttribute(node, "transBatchA", 0)) {
    throw new RangeError(
      `Cannot differentiate node "${node.name}" (${node.op}): transBatchA has no rule`,
    );
  }
  const product = productOf(call);
  const vector = inputs[1]!.shape.length === 1;
  const b = vector ? g.reshape(inputs[1]!, [-1, 1]) : inputs[1]!;
  const dy = vector ? g.reshape(call.dy, [...call.dy.shape, 1]) : call.dy;
  const multiply: Multiply = (p, q, options) => g.fusedMatMul(p, q, options);
  // A shared matrix B sums over the batch: one product of flattened operands does both.
  const shared = b.shape.length === 2 && a.shape.length > 2 && !product.transA;
  const dB = () =>
    shared
      ? rightCotangent(multiply, asMatrix(g, a), asMatrix(g, dy), product)
      : rightCotangent(multiply, a, dy, product);
  return [
    wants(0) ? leftCotangent(multiply, b, dy, product) : null,
    wants(1) ? (vector ? g.reshape(dB(), inputs[1]!.shape) : dB()) : null,
  ];
};
