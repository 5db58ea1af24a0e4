/** MaxPool. */
import { sizeOf } from "../../../tensor/tensor.ts";
import { shareEqually } from "../normalization/reductions.ts";
import { none, type Operator } from "../operator.ts";
import { insideMask, poolShape, poolWindow, sumWindows } from "./pool.ts";
import { windowSlices } from "./sliding_window.ts";

export const maxPool: Operator = {
  shape: poolShape,
  macs: none,
  /** dy goes to the cells that equal the maximum. Padding never wins. */
  vjp({ g, node, x, y, dy }) {
    const window = poolWindow(node);
    const positions = y.shape.slice(2);
    const planes = [sizeOf(y.shape.slice(0, 2)), 1, ...positions];
    const cells = windowSlices(g, x, { window, positions }).map((slice) =>
      g.reshape(slice, planes)
    );
    const winners = g.where(
      g.equal(g.concat(cells, { axis: 1 }), g.reshape(y, planes)),
      g.constant(insideMask({ x, y, window })),
      g.scalar(0),
    );
    const share = shareEqually(g, winners, {
      dy: g.reshape(dy, planes),
      axes: [1],
    });
    return [sumWindows(g, share, { x, window })];
  },
};
