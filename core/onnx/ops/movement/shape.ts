/** VJP rules of operators that move values without changing them. */
import { intAttribute, intsAttribute } from "../../attributes.ts";
import type { GraphBuilder } from "../../builder.ts";
import type { Value } from "../../graph.ts";
import { normalizeAxis, sliceBounds } from "../shape_call.ts";
import { int64, zeros } from "../../../tensor/tensor.ts";
import type { VjpRule } from "../operator.ts";

export const identityVjp: VjpRule = ({ dy }) => [dy];

export const reshapeVjp: VjpRule = ({ g, x, dy }) => [g.reshape(dy, x.shape)];

/** The inverse permutation. */
export const transposeVjp: VjpRule = ({ g, node, x, dy }) => {
  const perm = intsAttribute(node, "perm", x.shape.map((_, i) => i).reverse());
  return [g.transpose(dy, perm.map((_, i) => perm.indexOf(i)))];
};

/** Each input gets its own slice. */
export const concatVjp: VjpRule = ({ g, node, inputs, y, dy, wants }) => {
  const axis = normalizeAxis(intAttribute(node, "axis", 0), y.shape.length);
  let start = 0;
  return inputs.map((input, i) => {
    const from = start;
    start += input!.shape[axis];
    return wants(i)
      ? g.slice(dy, { axes: [axis], starts: [from], ends: [start] })
      : null;
  });
};

/** The parts' cotangents joined, zero where none flows. */
export const splitVjp: VjpRule = ({ g, node, x, outputs, cotangents }) => {
  const axis = normalizeAxis(intAttribute(node, "axis", 0), x.shape.length);
  const parts = cotangents.map((c, i) =>
    c ?? g.constant(zeros(outputs[i].shape))
  );
  return [g.concat(parts, { axis })];
};

/** Zeros of `shape` with `updates` added at `indices` (int64, any shape) along `axis`. */
function scatterAlong(
  g: GraphBuilder,
  shape: readonly number[],
  { axis, indices, updates }: { axis: number; indices: Value; updates: Value },
): Value {
  const front = [axis, ...shape.map((_, i) => i).filter((i) => i !== axis)];
  const rank = indices.shape.length;
  const lead = updates.shape.map((_, i) => i).slice(axis, axis + rank);
  const rest = updates.shape.map((_, i) => i).filter((i) => !lead.includes(i));
  const moved = axis === 0 ? updates : g.transpose(updates, [...lead, ...rest]);
  const base = g.expand(g.scalar(0), front.map((a) => shape[a]));
  const tuples = g.reshape(indices, [...indices.shape, 1]);
  const sum = g.scatterND(base, tuples, moved, { reduction: "add" });
  return axis === 0
    ? sum
    : g.transpose(sum, shape.map((_, i) => front.indexOf(i)));
}

/** Gather: rows add up where an index repeats (an embedding's gradient). */
export const gatherVjp: VjpRule = ({ g, node, x, inputs, dy }) => {
  const axis = normalizeAxis(intAttribute(node, "axis", 0), x.shape.length);
  return [scatterAlong(g, x.shape, { axis, indices: inputs[1]!, updates: dy })];
};

/** Slice: back into zeros; by Pad where the step is 1, else by scattering. */
export const sliceVjp: VjpRule = ({ g, node, x, dy, constant }) => {
  const [starts, ends] = [constant(1), constant(2)];
  const axes = node.inputs[3] ? constant(3) : starts.map((_, i) => i);
  const steps = node.inputs[4] ? constant(4) : starts.map(() => 1);
  const rank = x.shape.length;
  const pads = Array(2 * rank).fill(0);
  let strided = dy;
  axes.forEach((a, i) => {
    const axis = normalizeAxis(a, rank);
    const size = x.shape[axis];
    const [from] = sliceBounds(starts[i], ends[i], steps[i], size);
    if (steps[i] === 1) {
      pads[axis] = from;
      pads[rank + axis] = size - from - dy.shape[axis];
      return;
    }
    const places = Array.from(
      { length: dy.shape[axis] },
      (_, j) => from + j * steps[i],
    );
    const indices = g.constant(int64([places.length], places));
    strided = scatterAlong(g, strided.shape.with(axis, size), {
      axis,
      indices,
      updates: strided,
    });
  });
  return [pads.some((p) => p !== 0) ? g.pad(strided, pads) : strided];
};

/** Pad with zeros: the padding's cotangent is dropped. */
export const padVjp: VjpRule = ({ g, x, dy, constant }) => {
  const pads = constant(1);
  const axes = x.shape.map((_, i) => i);
  const starts = axes.map((i) => pads[i]);
  return [
    g.slice(dy, { axes, starts, ends: starts.map((s, i) => s + x.shape[i]) }),
  ];
};

/** Expand is broadcasting: the walk sums back. */
export const expandVjp: VjpRule = ({ dy }) => [dy];

/** Where: each branch gets the cotangent where it was taken. */
export const whereVjp: VjpRule = ({ g, inputs, dy, wants }) => {
  const zero = g.scalar(0);
  return [
    null,
    wants(1) ? g.where(inputs[0]!, dy, zero) : null,
    wants(2) ? g.where(inputs[0]!, zero, dy) : null,
  ];
};

/** Cast between floats: the cotangent is cast back. */
export const castVjp: VjpRule = ({ g, x, dy }) => [g.cast(dy, x.dtype)];
