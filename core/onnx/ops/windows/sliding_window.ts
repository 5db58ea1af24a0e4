/** The sliding window that convolutions and pools share, read from a node, and its slices. */
import type { Node, Value } from "../../graph.ts";
import type { Operations } from "../../operations.ts";
import type { Shape } from "../axes.ts";
import type { ShapeCall } from "../operator.ts";

/** One entry a spatial axis; output position n reads input positions stride n + dilation k − begin, k < kernel. */
export interface SlidingWindow {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly begin: readonly number[];
  readonly end: readonly number[];
}

/** Attributes that place the window in another way, which no node may set. */
const unread = ["auto_pad", "ceil_mode", "output_shape"] as const;

/** The window of a Conv, ConvTranspose or pool node. @throws {RangeError} If an attribute of `unread` is set. */
export function slidingWindowOf(
  node: Node,
  kernel: readonly number[],
): SlidingWindow {
  const key = unread.find((key) => node.attributes[key]);
  if (key) {
    throw new RangeError(
      `Cannot read the window of node "${node.name}" (${node.op}): attribute ${key} is set, expected explicit pads and floor mode`,
    );
  }
  const rank = kernel.length;
  const ones = Array(rank).fill(1);
  const pads = node.attributes.pads ?? Array(2 * rank).fill(0);
  return {
    kernel,
    strides: node.attributes.strides ?? ones,
    dilations: node.attributes.dilations ?? ones,
    begin: pads.slice(0, rank),
    end: pads.slice(rank),
  };
}

/** Output sizes of a Conv or pool, floor mode. */
export const outputSizes = (
  { fail }: ShapeCall,
  { kernel, strides, dilations, begin, end }: SlidingWindow,
  space: Shape,
): number[] =>
  space.map((size, i) => {
    const span = dilations[i] * (kernel[i] - 1) + 1;
    const out = Math.floor((size + begin[i] + end[i] - span) / strides[i]) + 1;
    return out > 0
      ? out
      : fail(`window ${span} does not fit spatial size ${size}`);
  });

/**
 * ConvTranspose of y, the output of a window's operator, back to the shape of the
 * operator's input. `output_padding` makes up for rows at the end that no window
 * reaches, since floor mode gives several input sizes the same y.
 */
export function transposed(
  g: Operations,
  y: Value,
  { w, group, window, like }: {
    w: Value;
    group: number;
    window: SlidingWindow;
    /** The operator's input. */
    like: Value;
  },
): Value {
  const { kernel, strides, dilations, begin, end } = window;
  const outputPadding = kernel.map((k, i) => {
    const span = dilations[i] * (k - 1) + 1;
    const covered = strides[i] * (y.shape[2 + i] - 1) + span;
    return like.shape[2 + i] + begin[i] + end[i] - covered;
  });
  const pads = [...begin, ...end];
  const options = { group, strides, dilations, pads, outputPadding };
  return g.convTranspose(y, w, null, options);
}

/** Every offset k inside the kernel, last axis fastest: `[[0, 0], [0, 1], …]`. */
export function offsetsOf(kernel: readonly number[]): number[][] {
  return kernel.reduce<number[][]>(
    (heads, size) =>
      heads.flatMap((head) =>
        Array.from({ length: size }, (_, k) => [...head, k])
      ),
    [[]],
  );
}

/**
 * One slice of x for each offset k of the kernel: the cell at k for every output
 * position n, x[stride n + dilation k − begin], zero outside of x.
 *
 * @param x `[·, ·, H, W]`.
 * @param positions Output positions on each spatial axis.
 * @returns Kernel-many slices `[·, ·, ...positions]`.
 */
export function windowSlices(
  g: Operations,
  x: Value,
  { window, positions }: {
    window: SlidingWindow;
    positions: readonly number[];
  },
): Value[] {
  const { kernel, strides, dilations, begin, end } = window;
  const padded = [...begin, ...end].some((p) => p !== 0)
    ? g.pad(x, [0, 0, ...begin, 0, 0, ...end])
    : x;
  const axes = kernel.map((_, i) => i + 2);
  return offsetsOf(kernel).map((offset) => {
    const starts = offset.map((k, i) => k * dilations[i]);
    const ends = starts.map((s, i) => s + strides[i] * (positions[i] - 1) + 1);
    return g.slice(padded, { axes, starts, ends, steps: strides });
  });
}
