/**
 * Gradients of the weights and bias of Conv and ConvTranspose, which is Conv
 * with x and dy exchanged. On one axis, with stride s, dilation d and padding p,
 *
 *   dw[k] = Σ_n dy[n] x[s n + d k − p]
 *
 * With channels moved before the batch that is, for each k, a strided slice of
 * x and one product that contracts batch and space. If windows tile x exactly
 * (a patch embedding, a 1x1), all k together are one reshape.
 */
import { sizeOf } from "../../../tensor/tensor.ts";
import type { Value } from "../../graph.ts";
import type { Operations } from "../../operations.ts";
import { axesOf } from "../axes.ts";
import { type SlidingWindow, windowSlices } from "./sliding_window.ts";

/** A convolution and its output's cotangent: x `[B, C, H, W]`, dy `[B, M, H', W']`, w `[M, C/G, K, K]` with G groups. */
export interface Convolution {
  readonly x: Value;
  readonly dy: Value;
  readonly w: Value;
  readonly group: number;
  readonly window: SlidingWindow;
}

export function weightCotangent(
  g: Operations,
  convolution: Convolution,
): Value {
  const { x, dy, w, group, window } = convolution;
  const positions = dy.shape.slice(2);
  const rows = channelRows(g, channelsFirst(g, dy), group);
  if (tiles(convolution)) {
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
function channelsFirst(g: Operations, x: Value): Value {
  const [batch, channels, ...space] = x.shape;
  return batch === 1
    ? g.reshape(x, [channels, batch, ...space])
    : g.transpose(x, [1, 0, ...space.map((_, i) => i + 2)]);
}

/** `[C, B, H, W]` → `[G, C/G, B H W]`: channels as rows, batch and space contracted by a product. */
function channelRows(g: Operations, x: Value, group: number): Value {
  const [channels, ...contracted] = x.shape;
  return g.reshape(x, [group, channels / group, sizeOf(contracted)]);
}

/** Whether the windows cover x exactly, without overlap, gap or padding. */
function tiles({ x, dy, window }: Convolution): boolean {
  const { kernel, strides, dilations, begin, end } = window;
  return kernel.every((k, i) =>
    k === strides[i] && (k === 1 || dilations[i] === 1) && begin[i] === 0 &&
    end[i] === 0 && x.shape[2 + i] === k * dy.shape[2 + i]
  );
}

/** Non-overlapping windows as columns: `[B, C, H' K, W' K]` → `[G, C/G K K, B H' W']`. */
function tileColumns(
  g: Operations,
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
export function biasCotangent(g: Operations, dy: Value): Value {
  const axes = axesOf(dy).filter((i) => i !== 1);
  return g.reduceSum(dy, { axes, keepDims: false });
}
