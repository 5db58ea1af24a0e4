/** Unary operators; slopes use the output y if that saves computing it again. */
import { none } from "../operator.ts";
import { times, unary } from "./elementwise.ts";

export const unaryOperators = {
  Abs: unary(times(({ g, x }) => g.sign(x))),
  /** erf' = 2/√π e^(−x²). */
  Erf: unary(
    times(({ g, x }) =>
      g.mul(g.scalar(2 / Math.sqrt(Math.PI)), g.exp(g.neg(g.mul(x, x))))
    ),
  ),
  Exp: unary(times(({ y }) => y), { float32: "alone" }),
  /** Piecewise constant, so without gradient. */
  Floor: unary(none, { float32: "alone" }),
  Identity: unary(({ dy }) => [dy], { rearranges: true }),
  Log: unary(({ g, x, dy }) => [g.div(dy, x)], { float32: "alone" }),
  Neg: unary(({ g, dy }) => [g.neg(dy)]),
  /** (1/x)' = −y². */
  Reciprocal: unary(times(({ g, y }) => g.neg(g.mul(y, y)))),
  /** Passes where x > 0; the slope at 0 is 0, as in PyTorch. */
  Relu: unary(({ g, x, dy }) => {
    const zero = g.scalar(0);
    return [g.where(g.greater(x, zero), dy, zero)];
  }),
  /** σ' = y (1 − y). */
  Sigmoid: unary(times(({ g, y }) => g.mul(y, g.sub(g.scalar(1), y)))),
  /** Piecewise constant. WebGPU's provider lacks it: there it is (x > 0) − (x < 0). */
  Sign: unary(none, {
    gpu({ g, inputs }) {
      const x = inputs[0]!;
      const zero = g.scalar(0, x);
      const positive = g.cast(g.greater(x, zero), x.dtype);
      return [g.sub(positive, g.cast(g.less(x, zero), x.dtype))];
    },
  }),
  /** √x' = 1 / 2y. */
  Sqrt: unary(({ g, y, dy }) => [g.div(g.mul(dy, g.scalar(0.5)), y)]),
  /** tanh' = 1 − y². */
  Tanh: unary(times(({ g, y }) => g.sub(g.scalar(1), g.mul(y, y)))),
};
