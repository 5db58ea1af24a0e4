/** Slice: a range of each of some axes, with steps that may be negative. */
import { int64 } from "../../../tensor/tensor.ts";
import { normalizeAxis } from "../axes.ts";
import {
  none,
  type Operator,
  type ShapeCall,
  type VjpCall,
} from "../operator.ts";
import { scatterAlong } from "./scatter_nd.ts";

export const slice: Operator = {
  shape(call) {
    const { dtype, shape } = call.x;
    const sliced = [...shape];
    for (const { axis, from, to, step } of rangesOf(call)) {
      sliced[axis] = Math.max(0, Math.ceil((to - from) / step));
    }
    return [{ dtype, shape: sliced }];
  },
  macs: none,
  /** dy put into zeros of x's shape: by Pad along axes with step 1, else by ScatterND. */
  vjp(call) {
    const { g, x, dy } = call;
    const rank = x.shape.length;
    const pads = Array(2 * rank).fill(0);
    let strided = dy;
    for (const { axis, from, step } of rangesOf(call)) {
      const [size, taken] = [x.shape[axis], dy.shape[axis]];
      if (step === 1) {
        pads[axis] = from;
        pads[rank + axis] = size - from - taken;
        continue;
      }
      const places = Array.from({ length: taken }, (_, j) => from + j * step);
      const indices = g.constant(int64([taken], places));
      const options = { axis, indices, updates: strided };
      strided = scatterAlong(g, strided.shape.with(axis, size), options);
    }
    return [pads.some((p) => p !== 0) ? g.pad(strided, pads) : strided];
  },
  rearranges: true,
};

/** The indices that are taken along one axis: from `from` in steps of `step`, before `to`. */
interface Range {
  readonly axis: number;
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

function rangesOf(
  { x, inputs, constant }: Pick<
    ShapeCall | VjpCall,
    "x" | "inputs" | "constant"
  >,
): Range[] {
  const [starts, ends] = [constant(1), constant(2)];
  const axes = inputs[3] ? constant(3) : starts.map((_, i) => i);
  const steps = inputs[4] ? constant(4) : starts.map(() => 1);
  return axes.map((a, i) => {
    const axis = normalizeAxis(a, x.shape.length);
    const step = steps[i];
    const [from, to] = sliceBounds(starts[i], ends[i], step, x.shape[axis]);
    return { axis, from, to, step };
  });
}

/** The first and the last (exclusive) index along one axis, clamped as ONNX does. */
export function sliceBounds(
  start: number,
  end: number,
  step: number,
  size: number,
): [number, number] {
  const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
  const clamp = (v: number, min: number) =>
    Math.min(Math.max(v < 0 ? v + size : v, min), high);
  return [clamp(start, step > 0 ? low : 0), clamp(end, low)];
}
