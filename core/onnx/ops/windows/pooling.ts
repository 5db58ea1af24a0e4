/**
 * VJP rules of pools and maxima. A maximum that several elements share is not
 * differentiable; here the tied elements share its cotangent equally, which is
 * a subgradient. (PyTorch does so for amax and maximum, while its max pool
 * gives all to the first.)
 */
import { intAttribute, intsAttribute } from "../../attributes.ts";
import type { GraphBuilder } from "../../builder.ts";
import type { Value } from "../../graph.ts";
import { normalizeAxis } from "../shape_call.ts";
import { float32, sizeOf } from "../../../tensor/tensor.ts";
import {
  offsetsOf,
  type SlidingWindow,
  slidingWindowOf,
  windowSlices,
} from "./sliding_window.ts";
import type { VjpCall, VjpRule } from "../operator.ts";

/**
 * AveragePool: each cell of a window gets dy over the window's count, the
 * kernel's size or, without `count_include_pad`, its cells inside x.
 */
export const averagePoolVjp: VjpRule = ({ g, node, x, y, dy }) => {
  const window = slidingWindowOf(node, intsAttribute(node, "kernel_shape", []));
  const taps = sizeOf(window.kernel);
  const share = intAttribute(node, "count_include_pad", 0)
    ? g.mul(dy, g.scalar(1 / taps))
    : g.div(dy, insideCount(g, { x, y, window }));
  const repeated = g.expand(
    g.reshape(share, [sizeOf(y.shape.slice(0, 2)), 1, ...y.shape.slice(2)]),
    [1, taps, ...window.kernel.map(() => 1)],
  );
  return [sumWindows(g, repeated, { x, window })];
};

/** MaxPool: dy goes to the cells that equal the maximum. Padding never wins. */
export const maxPoolVjp: VjpRule = ({ g, node, x, y, dy }) => {
  const window = slidingWindowOf(node, intsAttribute(node, "kernel_shape", []));
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
};

/** ReduceMax: dy goes to the elements that equal the maximum. */
export const reduceMaxVjp: VjpRule = (call) => {
  const { g, x, y, dy } = call;
  const axes = reducedAxes(call);
  const kept = x.shape.map((dim, i) => axes.includes(i) ? 1 : dim);
  const winners = g.cast(g.equal(x, g.reshape(y, kept)), x.dtype);
  return [shareEqually(g, winners, { dy: g.reshape(dy, kept), axes })];
};

/** Max of a and b: da = dy (1 + sign(a − b)) / 2. */
export const maxVjp: VjpRule = (call) => choose(call, 0.5);

/** Min of a and b: da = dy (1 − sign(a − b)) / 2. */
export const minVjp: VjpRule = (call) => choose(call, -0.5);

function choose({ g, x, inputs, dy }: VjpCall, half: number): Value[] {
  const order = g.mul(g.sign(g.sub(x, inputs[1]!)), g.scalar(half));
  const da = g.mul(dy, g.add(order, g.scalar(0.5)));
  return [da, g.sub(dy, da)];
}

/** dy spread over `winners` (1 or 0), divided by how many there are along `axes`. */
function shareEqually(
  g: GraphBuilder,
  winners: Value,
  { dy, axes }: { dy: Value; axes: readonly number[] },
): Value {
  return g.mul(winners, g.div(dy, g.reduceSum(winners, { axes })));
}

function reducedAxes({ node, x, constant }: VjpCall): number[] {
  return node.inputs.length > 1
    ? constant(1).map((a) => normalizeAxis(a, x.shape.length))
    : x.shape.map((_, i) => i);
}

interface PoolShape {
  readonly x: Value;
  readonly y: Value;
  readonly window: SlidingWindow;
}

/** 1 where the cell that output position n sees at offset k lies inside x, else 0: `[1, K K, H', W']`. */
function insideMask({ x, y, window }: PoolShape) {
  const { kernel, strides, dilations, begin } = window;
  const positions = y.shape.slice(2);
  const mask = offsetsOf(kernel).flatMap((offset) =>
    offsetsOf(positions).map((position) =>
      position.every((n, i) => {
          const at = strides[i] * n + dilations[i] * offset[i] - begin[i];
          return at >= 0 && at < x.shape[2 + i];
        })
        ? 1
        : 0
    )
  );
  return float32([1, sizeOf(kernel), ...positions], mask);
}

/** Cells inside x of each window: `[1, 1, H', W']`. */
function insideCount(g: GraphBuilder, shape: PoolShape): Value {
  return g.reduceSum(g.constant(insideMask(shape)), { axes: [1] });
}

/**
 * Adds the cells of all windows back to where they were read: ConvTranspose
 * with one-hot weights, offset k as channel k.
 *
 * @param cells `[B C, K K, H', W']`.
 * @returns `[B, C, H, W]`.
 */
function sumWindows(
  g: GraphBuilder,
  cells: Value,
  { x, window }: { x: Value; window: SlidingWindow },
): Value {
  const { kernel, strides, dilations, begin, end } = window;
  const taps = sizeOf(kernel);
  const oneHot = new Float32Array(taps * taps);
  for (let k = 0; k < taps; k++) oneHot[k * taps + k] = 1;
  const planes = g.convTranspose(
    cells,
    g.constant(float32([taps, 1, ...kernel], oneHot)),
    null,
    {
      strides,
      dilations,
      pads: [...begin, ...end],
      outputPadding: kernel.map((k, i) =>
        x.shape[2 + i] + begin[i] + end[i] - dilations[i] * (k - 1) - 1 -
        strides[i] * (cells.shape[2 + i] - 1)
      ),
    },
  );
  return g.reshape(planes, x.shape);
}
