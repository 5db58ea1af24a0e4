/** Where: elements of two values, chosen by a condition. */
import { broadcastShapes } from "../axes.ts";
import { none, type Operator } from "../operator.ts";
import { broadcast } from "./elementwise.ts";

export const where: Operator = {
  shape(call) {
    const { x: condition, input, fail } = call;
    if (condition.dtype !== "bool") fail("the condition must be bool");
    const { dtype } = input(1);
    const both = broadcast(call, input(1), input(2));
    const shape = broadcastShapes(condition.shape, both) ??
      fail("inputs do not broadcast");
    return [{ dtype, shape }];
  },
  macs: none,
  /** Each of the two values gets the cotangent of the elements that were taken from it. */
  vjp({ g, inputs: [condition], dy, wants }) {
    const zero = g.scalar(0);
    return [
      null,
      wants(1) ? g.where(condition!, dy, zero) : null,
      wants(2) ? g.where(condition!, zero, dy) : null,
    ];
  },
};
