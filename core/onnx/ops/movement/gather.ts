/** Gather: rows of data, along `axis`, by their indices. */
import { axisOf } from "../axes.ts";
import { none, type Operator } from "../operator.ts";
import { scatterAlong } from "./scatter_nd.ts";

export const gather: Operator = {
  shape({ node, x: data, input }) {
    const axis = axisOf(node, data, 0);
    const shape = data.shape.toSpliced(axis, 1, ...input(1).shape);
    return [{ dtype: data.dtype, shape }];
  },
  macs: none,
  /** Rows of dy with the same index add up (an embedding's gradient). */
  vjp({ g, node, x, inputs: [, indices], dy }) {
    const axis = axisOf(node, x, 0);
    const options = { axis, indices: indices!, updates: dy };
    return [scatterAlong(g, x.shape, options)];
  },
};
