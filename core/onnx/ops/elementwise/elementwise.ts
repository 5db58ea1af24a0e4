/** Makers of operators that compute each element of their output from one element of each input. */
import type { DType } from "../../../tensor/tensor.ts";
import { broadcastShapes, type Shape } from "../axes.ts";
import {
  none,
  type Operator,
  type ShapeCall,
  type ShapeRule,
  type VjpCall,
  type VjpRule,
} from "../operator.ts";
import type { Value } from "../../graph.ts";

/** One output like the first input. */
export const likeInput: ShapeRule = ({ x: { dtype, shape } }) => [
  { dtype, shape },
];

/** A unary operator. */
export const unary = (
  vjp: VjpRule | typeof none,
  more: Partial<Operator> = {},
): Operator => ({ shape: likeInput, macs: none, vjp, ...more });

/** dx = dy · slope. */
export const times = (slope: (call: VjpCall) => Value): VjpRule => (call) => [
  call.g.mul(call.dy, slope(call)),
];

/** The shape that two values of one dtype broadcast to. */
export function broadcast({ fail }: ShapeCall, a: Value, b: Value): Shape {
  if (a.dtype !== b.dtype) fail(`dtypes ${a.dtype} and ${b.dtype} differ`);
  return broadcastShapes(a.shape, b.shape) ??
    fail(`shapes [${a.shape}] and [${b.shape}] do not broadcast`);
}

/** A binary operator, broadcast as in NumPy; its output has the inputs' dtype unless `dtype` says otherwise. */
export const binary = (
  vjp: VjpRule | typeof none,
  { dtype, ...more }: Partial<Operator> & { readonly dtype?: DType } = {},
): Operator => ({
  shape: (call) => [{
    dtype: dtype ?? call.x.dtype,
    shape: broadcast(call, call.x, call.input(1)),
  }],
  macs: none,
  vjp,
  ...more,
});
