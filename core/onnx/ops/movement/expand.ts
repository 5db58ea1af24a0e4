/** Expand: broadcasting to a given shape. */
import { broadcastShapes } from "../axes.ts";
import { none, type Operator } from "../operator.ts";

export const expand: Operator = {
  shape({ x: { dtype, shape }, constant, fail }) {
    const expanded = broadcastShapes(shape, constant(1)) ??
      fail(`cannot expand to [${constant(1)}]`);
    return [{ dtype, shape: expanded }];
  },
  macs: none,
  /** The backward walk sums dy over the axes that broadcasting added. */
  vjp: ({ dy }) => [dy],
};
