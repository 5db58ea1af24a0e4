/**
 * Conv. On one axis, with stride s, dilation d, padding p at the beginning and
 * q at the end,
 *
 *   y[n] = Σ_k w[k] x[s n + d k − p]
 *
 * and channels are a plain matrix product at each k.
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
 * Shapes: x `[B, C, H, W]`, y `[B, M, H', W']`, w `[M, C/G, K, K]` with G groups.
 */
import { sizeOf } from "../../../tensor/tensor.ts";
import type { Value } from "../../graph.ts";
import type { Operations } from "../../operations.ts";
import type { Operator } from "../operator.ts";
import { outputSizes, slidingWindowOf, transposed } from "./sliding_window.ts";
import {
  biasCotangent,
  type Convolution,
  weightCotangent,
} from "./weight_gradient.ts";

export const conv: Operator = {
  shape(call) {
    const { node, x: { dtype, shape: [B, C, ...space] }, input, fail } = call;
    const [M, inGroup, ...kernel] = input(1).shape;
    const group = node.attributes.group ?? 1;
    if (C !== inGroup * group) {
      fail(`${C} input channels, expected ${inGroup} x ${group} groups`);
    }
    if (M % group !== 0) {
      fail(`${M} filters do not divide into ${group} groups`);
    }
    const window = slidingWindowOf(node, kernel);
    return [{ dtype, shape: [B, M, ...outputSizes(call, window, space)] }];
  },
  /** Each output element meets one filter. */
  macs({ inputs: [, w, b], y }) {
    const outputs = sizeOf(y.shape);
    return {
      conv: outputs * sizeOf(w!.shape.slice(1)),
      affine: b ? outputs : 0,
    };
  },
  vjp({ g, node, x, inputs, dy, wants }) {
    const w = inputs[1]!;
    const group = node.attributes.group ?? 1;
    const window = slidingWindowOf(node, w.shape.slice(2));
    const convolution = { x, dy, w, group, window };
    return [
      wants(0) ? dataCotangent(g, convolution) : null,
      wants(1) ? weightCotangent(g, convolution) : null,
      wants(2) ? biasCotangent(g, dy) : null,
    ];
  },
};

function dataCotangent(
  g: Operations,
  { x, dy, w, group, window }: Convolution,
): Value {
  const { kernel, strides, dilations, begin, end } = window;
  const reach = kernel.map((k, i) => dilations[i] * (k - 1));
  const pads = [begin, end].flatMap((p) => reach.map((r, i) => r - p[i]));
  const flippable = strides.every((s) => s === 1) && pads.every((p) => p >= 0);
  return flippable
    ? g.conv(dy, flipped(g, w, group), null, { group, dilations, pads })
    : transposed(g, dy, { w, group, window, like: x });
}

/** Weights `[M, C/G, K, K]` with the kernel reversed and channels exchanged within each group: `[C, M/G, K, K]`. */
function flipped(g: Operations, w: Value, group: number): Value {
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
