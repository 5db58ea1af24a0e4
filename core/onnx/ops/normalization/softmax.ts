/** Softmax along `axis`. */
import { unary } from "../elementwise/elementwise.ts";
import { axisOf } from "../axes.ts";

/** dx = y ⊙ (dy − Σ_axis y ⊙ dy). */
export const softmax = unary(({ g, node, y, dy }) => {
  const axes = [axisOf(node, y, -1)];
  const inner = g.reduceSum(g.mul(y, dy), { axes });
  return [g.mul(y, g.sub(dy, inner))];
}, { float32: "alone" });
