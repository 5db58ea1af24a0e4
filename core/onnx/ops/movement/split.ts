/** Split along `axis` into parts of given sizes. */
import { zeros } from "../../../tensor/tensor.ts";
import { axisOf } from "../axes.ts";
import { none, type Operator } from "../operator.ts";

export const split: Operator = {
  shape({ node, x, constant, fail }) {
    const axis = axisOf(node, x, 0);
    const [size, count] = [x.shape[axis], node.outputs.length];
    const sizes = constant(1);
    const sum = sizes.reduce((a, b) => a + b, 0);
    if (sum !== size || sizes.length !== count) {
      fail(`sizes [${sizes}] do not split ${size} into ${count} outputs`);
    }
    return sizes.map((part) => ({
      dtype: x.dtype,
      shape: x.shape.with(axis, part),
    }));
  },
  macs: none,
  /** The cotangents of the parts joined, zeros for a part without one. */
  vjp({ g, node, x, outputs, cotangents }) {
    const parts = cotangents.map((c, i) =>
      c ?? g.constant(zeros(outputs[i].shape))
    );
    return [g.concat(parts, { axis: axisOf(node, x, 0) })];
  },
  rearranges: true,
};
