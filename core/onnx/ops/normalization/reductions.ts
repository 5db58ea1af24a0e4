/** ReduceMean, ReduceSum and ReduceMax over the axes that the second input lists, or all. */
import { sizeOf } from "../../../tensor/tensor.ts";
import type { Value } from "../../graph.ts";
import type { Operations } from "../../operations.ts";
import { axesOf, normalizeAxis } from "../axes.ts";
import {
  none,
  type Operator,
  type ShapeCall,
  type VjpCall,
  type VjpRule,
} from "../operator.ts";

const reduction = (vjp: VjpRule, more: Partial<Operator> = {}): Operator => ({
  shape(call) {
    const axes = reducedAxes(call);
    const kept = (call.node.attributes.keepdims ?? 1) ? [1] : [];
    const { dtype, shape } = call.x;
    return [{
      dtype,
      shape: shape.flatMap((dim, i) => axes.includes(i) ? kept : [dim]),
    }];
  },
  macs: none,
  vjp,
  ...more,
});

type Reduction = Pick<ShapeCall | VjpCall, "inputs" | "x" | "constant">;

const reducedAxes = ({ inputs, x, constant }: Reduction): number[] =>
  inputs[1]
    ? constant(1).map((a) => normalizeAxis(a, x.shape.length))
    : axesOf(x);

/** x's shape with 1 on the reduced axes. */
function keptShape(call: Reduction): number[] {
  const axes = reducedAxes(call);
  return call.x.shape.map((dim, i) => axes.includes(i) ? 1 : dim);
}

/** A reduction's cotangent dy spread over the reduced axes, in x's shape. */
function spread(call: VjpCall): Value {
  const { g, node, x, dy } = call;
  const kept = (node.attributes.keepdims ?? 1)
    ? dy
    : g.reshape(dy, keptShape(call));
  return g.expand(kept, x.shape);
}

export const reductions = {
  /** dy spread as in ReduceSum, divided by the number of elements averaged. */
  ReduceMean: reduction((call) => {
    const count = sizeOf(call.x.shape) / sizeOf(call.y.shape);
    return [call.g.mul(spread(call), call.g.scalar(1 / count))];
  }, { float32: "alone", opset: 18 }),
  /** Every summed element gets the sum's cotangent. */
  ReduceSum: reduction((call) => [spread(call)], { float32: "alone" }),
  /** dy goes to the elements that equal the maximum. */
  ReduceMax: reduction((call) => {
    const { g, x, y, dy } = call;
    const kept = keptShape(call);
    const winners = g.cast(g.equal(x, g.reshape(y, kept)), x.dtype);
    const axes = reducedAxes(call);
    return [shareEqually(g, winners, { dy: g.reshape(dy, kept), axes })];
  }, { opset: 18 }), // axes are an input
};

/**
 * The cotangent dy of a maximum spread over `winners` (1 or 0), divided by their
 * number along `axes`. A maximum that several elements share is not
 * differentiable; equal shares of its cotangent are a subgradient.
 * (PyTorch does so for amax and maximum, while its max pool gives all to the
 * first.)
 */
export function shareEqually(
  g: Operations,
  winners: Value,
  { dy, axes }: { dy: Value; axes: readonly number[] },
): Value {
  return g.mul(winners, g.div(dy, g.reduceSum(winners, { axes })));
}
