/** ScatterND: data with updates written, or added, at index tuples. */
import { sameShape } from "../../../tensor/tensor.ts";
import type { Value } from "../../graph.ts";
import type { Operations } from "../../operations.ts";
import { axesOf, type Shape } from "../axes.ts";
import { none, type Operator } from "../operator.ts";

/** Only gradients of other operators emit it, so it has no gradient of its own. */
export const scatterND: Operator = {
  shape({ x: { dtype, shape }, input, fail }) {
    const indices = input(1).shape;
    const updates = input(2).shape;
    const depth = indices.at(-1) ?? 0;
    const expected = [...indices.slice(0, -1), ...shape.slice(depth)];
    if (!sameShape(updates, expected)) {
      fail(`updates are [${updates}], expected [${expected}]`);
    }
    return [{ dtype, shape }];
  },
  macs: none,
  vjp: none,
};

/** Zeros of `shape` with `updates` added at `indices` (int64, any shape) along `axis`. */
export function scatterAlong(
  g: Operations,
  shape: Shape,
  { axis, indices, updates }: { axis: number; indices: Value; updates: Value },
): Value {
  const front = [axis, ...axesOf({ shape }).filter((i) => i !== axis)];
  const lead = axesOf(updates).slice(axis, axis + indices.shape.length);
  const rest = axesOf(updates).filter((i) => !lead.includes(i));
  const moved = axis === 0 ? updates : g.transpose(updates, [...lead, ...rest]);
  const base = g.expand(g.scalar(0), front.map((a) => shape[a]));
  const tuples = g.reshape(indices, [...indices.shape, 1]);
  const sum = g.scatterND(base, tuples, moved, { reduction: "add" });
  return axis === 0
    ? sum
    : g.transpose(sum, shape.map((_, i) => front.indexOf(i)));
}
