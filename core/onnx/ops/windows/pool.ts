/** The window, shape rule and gradient parts that pools share. */
import { float32, sizeOf, type Tensor } from "../../../tensor/tensor.ts";
import type { Node, Value } from "../../graph.ts";
import type { Operations } from "../../operations.ts";
import type { ShapeRule } from "../operator.ts";
import {
  offsetsOf,
  outputSizes,
  type SlidingWindow,
  slidingWindowOf,
  transposed,
} from "./sliding_window.ts";

export const poolWindow = (node: Node): SlidingWindow =>
  slidingWindowOf(node, node.attributes.kernel_shape ?? []);

/** `[B, C, H, W]` → `[B, C, H', W']`. */
export const poolShape: ShapeRule = (call) => {
  const { dtype, shape: [B, C, ...space] } = call.x;
  const sizes = outputSizes(call, poolWindow(call.node), space);
  return [{ dtype, shape: [B, C, ...sizes] }];
};

/** A pool's input, its output and the window between them. */
export interface Pool {
  readonly x: Value;
  readonly y: Value;
  readonly window: SlidingWindow;
}

/** 1 where the cell that output position n sees at offset k lies inside x, else 0: `[1, K K, H', W']`. */
export function insideMask({ x, y, window }: Pool): Tensor {
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

/**
 * Adds the cells of all windows back to where they were read: ConvTranspose
 * with one-hot weights, offset k as channel k.
 *
 * @param cells `[B C, K K, H', W']`.
 * @returns `[B, C, H, W]`.
 */
export function sumWindows(
  g: Operations,
  cells: Value,
  { x, window }: Pick<Pool, "x" | "window">,
): Value {
  const taps = sizeOf(window.kernel);
  const oneHot = new Float32Array(taps * taps);
  for (let k = 0; k < taps; k++) oneHot[k * taps + k] = 1;
  const w = g.constant(float32([taps, 1, ...window.kernel], oneHot));
  const planes = transposed(g, cells, { w, group: 1, window, like: x });
  return g.reshape(planes, x.shape);
}
