/** Concat along `axis`. */
import { axisOf } from "../axes.ts";
import { none, type Operator } from "../operator.ts";

export const concat: Operator = {
  shape({ node, x: first, inputs, input, fail }) {
    const axis = axisOf(node, first, 0);
    const parts = inputs.map((_, i) => input(i));
    const fits = parts.every(({ dtype, shape }) =>
      dtype === first.dtype && shape.length === first.shape.length &&
      shape.every((dim, i) => i === axis || dim === first.shape[i])
    );
    if (!fits) fail(`inputs differ outside axis ${axis}`);
    const size = parts.reduce((sum, { shape }) => sum + shape[axis], 0);
    return [{ dtype: first.dtype, shape: first.shape.with(axis, size) }];
  },
  macs: none,
  /** Each input gets its own slice of dy. */
  vjp({ g, node, inputs, y, dy, wants }) {
    const axis = axisOf(node, y, 0);
    let start = 0;
    return inputs.map((input, i) => {
      const from = start;
      start += input!.shape[axis];
      return wants(i)
        ? g.slice(dy, { axes: [axis], starts: [from], ends: [start] })
        : null;
    });
  },
};
