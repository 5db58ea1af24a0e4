/**
 * VJP rules of Conv and ConvTranspose. On one axis, with stride s, dilation d,
 * padding p at the beginning and q at the end,
 *
 *   y[n] = Σ_k w[k] x[s n + d k − p]
 *
 * and channels are a plain matrix product at each k. So:
 *
 * Data gradient, dx[i] = Σ w[k] dy[n] over s n + d k − p = i. That is
 * ConvTranspose by definition: same weights, same s, d, p, q. The sizes that a
 * strided Conv rounds down to the same y are told apart by `output_padding`,
 * the rows at the end that no window reaches. At s = 1, n = i + p − d k, and counting
 * the kernel from its other end, k = K − 1 − k', makes it a Conv again:
 *
 *   dx[i] = Σ_k' w[K − 1 − k'] dy[i + d k' − (d (K − 1) − p)]
 *
 * with kernel flipped, channels transposed, paddings d (K − 1) − p and
 * d (K − 1) − q. It is the faster form in ONNX Runtime.
 *
 * Weight gradient, dw[k] = Σ_n dy[n] x[s n + d k − p]: with channels moved
 * before the batch, for each k a strided slice of x and one product that
 * contracts batch and space. Where windows tile x exactly (a patch embedding, a
 * 1x1), all k together are one reshape.
 *
 * ConvTranspose is Conv's data gradient, so its own is Conv; its weight
 * gradient is Conv's with x and dy exchanged.
 *
 * Shapes: x `[B, C, H, W]`, y `[B, M, H', W']`, w `[M, C/G, K, K]` with G groups;
 * ConvTranspose goes from M to C channels with the same w.
 */
import { intAttribute, intsAttribute } from "../../attributes.ts";
import type { GraphBuilder } from "../../builder.ts";
import type { Value } from "../../graph.ts";
import { sizeOf } from "../../../tensor/tensor.ts";
import {
  type SlidingWindow,
  slidingWindowOf,
  windowSlices,
} from "./sliding_window.ts";
import type { VjpRule } from "../operator.ts";

/** Conv, see above. */
export const convVjp: VjpRule = ({ g, node, x, inputs, dy, wants }) => {
  const w = inputs[1]!;
  const group = intAttribute(node, "group", 1);
  const window = slidingWindowOf(node, w.shape.slice(2));
  return [
    wants(0) ? convData(g, { dy, w, group, window, like: x }) : null,
    wants(1) ? weightCotangent(g, { x, dy, w, group, window }) : null,
    wants(2) ? biasCotangent(g, dy) : null,
  ];
};

/** ConvTranspose, see above. */
export const convTransposeVjp: VjpRule = (
  { g, node, x, inputs, dy, wants },
) => {
  const w = inputs[1]!;
  const group = intAttribute(node, "group", 1);
  if (node.attributes.output_shape) {
    throw new RangeError(
      `Cannot differentiate node "${node.name}" (ConvTranspose): attribute output_shape is set, expected pads and output_padding`,
    );
  }
  const window = slidingWindowOf(node, w.shape.slice(2));
  const extra = intsAttribute(node, "output_padding", []);
  // Rows that no window reaches are beyond what Conv reads: as padding they would be negative.
  if (extra.some((e, i) => e >= window.strides[i])) {
    throw new RangeError(
      `Cannot differentiate node "${node.name}" (ConvTranspose): output_padding [${extra}], expected less than strides [${window.strides}]`,
    );
  }
  const { strides, dilations } = window;
  const pads = [...window.begin, ...window.end];
  return [
    wants(0) ? g.conv(dy, w, null, { group, strides, dilations, pads }) : null,
    wants(1) ? weightCotangent(g, { x: dy, dy: x, w, group, window }) : null,
    wants(2) ? biasCotangent(g, dy) : null,
  ];
};

interface DataProblem {
  readonly dy: Value;
  readonly w: Value;
  readonly group: number;
  readonly window: SlidingWindow;
  /** The value whose cotangent it is. */
  readonly like: Value;
}

function convData(g: GraphBuilder, problem: DataProblem): Value {
  const { kernel, strides, dilations, begin, end } = problem.window;
  const reach = kernel.map((k, i) => dilations[i] * (k - 1));
  const pads = [begin, end].flatMap((p) => reach.map((r, i) => r - p[i]));
  const flippable = strides.every((s) => s === 1) && pads.every((p) => p >= 0);
  if (!flippable) return convDataStrided(g, problem);
  const { dy, w, group } = problem;
  return g.conv(dy, flipped(g, w, group), null, { group, dilations, pads });
}

function convDataStrided(
  g: GraphBuilder,
  { dy, w, group, window, like }: DataProblem,
): Value {
  const { kernel, strides, dilations, begin, end } = window;
  const outputPadding = kernel.map((k, i) => {
    const span = dilations[i] * (k - 1) + 1;
    const covered = strides[i] * (dy.shape[2 + i] - 1) + span;
    return like.shape[2 + i] + begin[i] + end[i] - covered;
  });
  return g.convTranspose(dy, w, null, {
    group,
    strides,
    dilations,
    pads: [...begin, ...end],
    outputPadding,
  });
}

/** Weights `[M, C/G, K, K]` with the kernel reversed and channels exchanged within each group: `[C, M/G, K, K]`. */
function flipped(g: GraphBuilder, w: Value, group: number): Value {
  const [m, c, ...kernel] = w.shape;
  const axes = kernel.map((_, i) => i + 2);
  const reversed = sizeOf(kernel) === 1 ? w : g.slice(w, {
    axes,
    starts: kernel.map(() => -1),
    ends: kernel.map((k) => -k - 1),
    steps: kernel.map(() => -1),
  });
  if (group === 1) return g.transpose(reversed, [1, 0, ...axes]);
  const grouped = g.reshape(reversed, [group, m / group, c, ...kernel]);
  const exchanged = g.transpose(grouped, [0, 2, 1, ...axes.map((a) => a + 1)]);
  return g.reshape(exchanged, [group * c, m / group, ...kernel]);
}

interface WeightProblem {
  readonly x: Value;
  readonly dy: Value;
  readonly w: Value;
  readonly group: number;
  readonly window: SlidingWindow;
}

function weightCotangent(g: GraphBuilder, problem: WeightProblem): Value {
  const { x, dy, w, group, window } = problem;
  const positions = dy.shape.slice(2);
  const rows = channelRows(g, channelsFirst(g, dy), group);
  if (tiles(problem)) {
    const columns = tileColumns(g, { x, group, window, positions });
    return g.reshape(g.fusedMatMul(rows, columns, { transB: 1 }), w.shape);
  }
  const slices = windowSlices(g, channelsFirst(g, x), { window, positions });
  const taps = slices.map((slice) => {
    const tap = g.fusedMatMul(rows, channelRows(g, slice, group), {
      transB: 1,
    });
    return g.reshape(tap, [w.shape[0], w.shape[1], 1]);
  });
  return g.reshape(g.concat(taps, { axis: 2 }), w.shape);
}

/** `[B, C, H, W]` → `[C, B, H, W]`. */
function channelsFirst(g: GraphBuilder, x: Value): Value {
  const [batch, channels, ...space] = x.shape;
  return batch === 1
    ? g.reshape(x, [channels, batch, ...space])
    : g.transpose(x, [1, 0, ...space.map((_, i) => i + 2)]);
}

/** `[C, B, H, W]` → `[G, C/G, B H W]`: channels as rows, batch and space contracted by a product. */
function channelRows(g: GraphBuilder, x: Value, group: number): Value {
  const [channels, ...contracted] = x.shape;
  return g.reshape(x, [group, channels / group, sizeOf(contracted)]);
}

/** Whether the windows cover x exactly, without overlap, gap or padding. */
function tiles({ x, dy, window }: WeightProblem): boolean {
  const { kernel, strides, dilations, begin, end } = window;
  return kernel.every((k, i) =>
    k === strides[i] && (k === 1 || dilations[i] === 1) && begin[i] === 0 &&
    end[i] === 0 && x.shape[2 + i] === k * dy.shape[2 + i]
  );
}

/** Non-overlapping windows as columns: `[B, C, H' K, W' K]` → `[G, C/G K K, B H' W']`. */
function tileColumns(
  g: GraphBuilder,
  { x, group, window: { kernel }, positions }: {
    x: Value;
    group: number;
    window: SlidingWindow;
    positions: readonly number[];
  },
): Value {
  const [batch, channels] = x.shape;
  const split = g.reshape(x, [
    batch,
    channels,
    ...positions.flatMap((n, i) => [n, kernel[i]]),
  ]);
  const outer = positions.map((_, i) => 2 + 2 * i);
  const inner = positions.map((_, i) => 3 + 2 * i);
  return g.reshape(g.transpose(split, [1, ...inner, 0, ...outer]), [
    group,
    channels / group * sizeOf(kernel),
    batch * sizeOf(positions),
  ]);
}

/** db = Σ dy over batch and space. */
function biasCotangent(g: GraphBuilder, dy: Value): Value {
  const axes = dy.shape.map((_, i) => i).filter((i) => i !== 1);
  return g.reduceSum(dy, { axes, keepDims: false });
}
