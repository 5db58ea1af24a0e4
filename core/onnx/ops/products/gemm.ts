/** Gemm of two matrices, Y = α op(A) op(B) + β C. */
import { sameShape } from "../../../tensor/tensor.ts";
import type { Value } from "../../graph.ts";
import { broadcastShapes } from "../axes.ts";
import type { Operator } from "../operator.ts";
import {
  leftCotangent,
  type Product,
  productMacs,
  productOf,
  rightCotangent,
} from "./product.ts";

export const gemm: Operator = {
  shape({ node, x: a, inputs, input, fail }) {
    const b = input(1);
    if (a.shape.length !== 2 || b.shape.length !== 2) {
      fail("operands must be matrices");
    }
    const { transA, transB } = productOf(node);
    const [m, k] = transA ? a.shape.toReversed() : a.shape;
    const [k2, n] = transB ? b.shape.toReversed() : b.shape;
    if (k !== k2) fail(`inner dimensions ${k} and ${k2} differ`);
    const c = inputs[2];
    if (c && !sameShape(broadcastShapes(c.shape, [m, n]) ?? [], [m, n])) {
      fail(`C [${c.shape}] does not broadcast to [${m},${n}]`);
    }
    return [{ dtype: a.dtype, shape: [m, n] }];
  },
  macs: productMacs,
  vjp({ g, node, x: a, inputs: [, b], dy, wants }) {
    const product = productOf(node);
    const beta = node.attributes.beta ?? 1;
    const multiply = (p: Value, q: Value, options: Product) =>
      g.gemm(p, q, null, options);
    return [
      wants(0) ? leftCotangent(multiply, [b!, dy], product) : null,
      wants(1) ? rightCotangent(multiply, [a, dy], product) : null,
      wants(2) ? (beta === 1 ? dy : g.mul(dy, g.scalar(beta))) : null,
    ];
  },
};
