/** Reshape: the same values, row-major, in another shape. */
import { sizeOf } from "../../../tensor/tensor.ts";
import { none, type Operator } from "../operator.ts";

export const reshape: Operator = {
  /** 0 keeps a dimension of the input, −1 stands for the remaining elements. */
  shape({ x: { dtype, shape: from }, constant, fail }) {
    const wanted = constant(1).map((dim, i) => dim === 0 ? from[i] : dim);
    const known = sizeOf(wanted.filter((d) => d !== -1));
    const shape = wanted.map((d) => d === -1 ? sizeOf(from) / known : d);
    if (sizeOf(shape) !== sizeOf(from) || !shape.every(Number.isInteger)) {
      fail(`cannot reshape to [${wanted}]`);
    }
    return [{ dtype, shape }];
  },
  macs: none,
  vjp: ({ g, x, dy }) => [g.reshape(dy, x.shape)],
  rearranges: true,
};
