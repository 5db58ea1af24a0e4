/** Sign: −1, 0 or 1. */
import { none } from "../operator.ts";
import { unary } from "./elementwise.ts";

/** Piecewise constant. WebGPU's provider lacks it: there it is (x > 0) − (x < 0). */
export const sign = unary(none, {
  gpu({ g, inputs }) {
    const x = inputs[0]!;
    const zero = g.scalar(0, x);
    const positive = g.cast(g.greater(x, zero), x.dtype);
    return [g.sub(positive, g.cast(g.less(x, zero), x.dtype))];
  },
});
