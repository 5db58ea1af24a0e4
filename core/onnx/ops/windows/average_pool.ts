/** AveragePool. */
import { sizeOf } from "../../../tensor/tensor.ts";
import { none, type Operator } from "../operator.ts";
import { insideMask, poolShape, poolWindow, sumWindows } from "./pool.ts";

export const averagePool: Operator = {
  shape: poolShape,
  macs: none,
  /**
   * Each cell of a window gets dy divided by the window's count: the kernel's size
   * or, without `count_include_pad`, the number of cells inside x.
   */
  vjp({ g, node, x, y, dy }) {
    const window = poolWindow(node);
    const taps = sizeOf(window.kernel);
    const inside = () => g.constant(insideMask({ x, y, window }));
    const share = node.attributes.count_include_pad
      ? g.mul(dy, g.scalar(1 / taps))
      : g.div(dy, g.reduceSum(inside(), { axes: [1] }));
    const repeated = g.expand(
      g.reshape(share, [sizeOf(y.shape.slice(0, 2)), 1, ...y.shape.slice(2)]),
      [1, taps, ...window.kernel.map(() => 1)],
    );
    return [sumWindows(g, repeated, { x, window })];
  },
  opset: 19, // dilations
};
