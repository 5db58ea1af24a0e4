/** The sliding window that convolutions and pools share, read from a node, and its slices. */
import { intsAttribute } from "../../attributes.ts";
import type { GraphBuilder } from "../../builder.ts";
import type { Node, Value } from "../../graph.ts";

/** One entry a spatial axis; output position n reads input positions stride n + dilation k − begin, k < kernel. */
export interface SlidingWindow {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly begin: readonly number[];
  readonly end: readonly number[];
}

/** The window of a Conv, ConvTranspose or pool node with this kernel. @throws {RangeError} If `auto_pad` or `ceil_mode` is set. */
export function slidingWindowOf(
  node: Node,
  kernel: readonly number[],
): SlidingWindow {
  for (const key of ["auto_pad", "ceil_mode"]) {
    if (node.attributes[key]) {
      throw new RangeError(
        `Cannot differentiate node "${node.name}" (${node.op}): attribute ${key} is set, expected explicit pads and floor mode`,
      );
    }
  }
  const rank = kernel.length;
  const ones = Array(rank).fill(1);
  const pads = intsAttribute(node, "pads", Array(2 * rank).fill(0));
  return {
    kernel,
    strides: intsAttribute(node, "strides", ones),
    dilations: intsAttribute(node, "dilations", ones),
    begin: pads.slice(0, rank),
    end: pads.slice(rank),
  };
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
 * One slice of x for each offset k: what every output position n sees at k,
 * x[stride n + dilation k − begin], zero outside.
 *
 * @param x `[·, ·, H, W]`.
 * @param positions Output positions on each spatial axis.
 * @returns Kernel-many slices `[·, ·, ...positions]`.
 */
export function windowSlices(
  g: GraphBuilder,
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
