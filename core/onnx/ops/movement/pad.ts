/** Pad with zeros. */
import { axesOf } from "../axes.ts";
import { none, type Operator } from "../operator.ts";

/** Pads are `[begin..., end...]` over every axis. */
export const pad: Operator = {
  shape({ x: { dtype, shape }, constant, fail }) {
    const pads = constant(1);
    const rank = shape.length;
    if (pads.length !== 2 * rank) {
      fail(`${pads.length} pads, expected ${2 * rank}`);
    }
    return [{
      dtype,
      shape: shape.map((d, i) => d + pads[i] + pads[rank + i]),
    }];
  },
  macs: none,
  /** The padding's cotangent is dropped. */
  vjp({ g, x, dy, constant }) {
    const axes = axesOf(x);
    const starts = constant(1).slice(0, axes.length);
    const ends = starts.map((s, i) => s + x.shape[i]);
    return [g.slice(dy, { axes, starts, ends })];
  },
};
