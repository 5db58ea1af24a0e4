/** ConvTranspose: the data gradient of Conv, so that its own data gradient is Conv. */
import { sizeOf } from "../../../tensor/tensor.ts";
import type { Operator } from "../operator.ts";
import { slidingWindowOf } from "./sliding_window.ts";
import { biasCotangent, weightCotangent } from "./weight_gradient.ts";

/** Shapes: x `[B, M, H', W']`, y `[B, C, H, W]`, w `[M, C/G, K, K]` with G groups. */
export const convTranspose: Operator = {
  shape({ node, x, input, fail }) {
    const [B, M, ...space] = x.shape;
    const [filters, inGroup, ...kernel] = input(1).shape;
    if (M !== filters) fail(`${M} input channels, expected ${filters}`);
    const { strides, dilations, begin, end } = slidingWindowOf(node, kernel);
    const extra = node.attributes.output_padding ?? kernel.map(() => 0);
    const sizes = space.map((size, i) =>
      strides[i] * (size - 1) + extra[i] + dilations[i] * (kernel[i] - 1) + 1 -
      begin[i] - end[i]
    );
    const C = inGroup * (node.attributes.group ?? 1);
    return [{ dtype: x.dtype, shape: [B, C, ...sizes] }];
  },
  /** Each input element meets one filter. */
  macs: ({ inputs: [x, w, b], y }) => ({
    conv: sizeOf(x!.shape) * sizeOf(w!.shape.slice(1)),
    affine: b ? sizeOf(y.shape) : 0,
  }),
  /** @throws {RangeError} If `output_padding` reaches a stride: Conv would need negative padding for these rows. */
  vjp({ g, node, x, inputs, dy, wants }) {
    const w = inputs[1]!;
    const group = node.attributes.group ?? 1;
    const window = slidingWindowOf(node, w.shape.slice(2));
    const { strides, dilations, begin, end } = window;
    const extra = node.attributes.output_padding ?? [];
    if (extra.some((e, i) => e >= strides[i])) {
      throw new RangeError(
        `Cannot differentiate node "${node.name}" (ConvTranspose): output_padding [${extra}], expected less than strides [${strides}]`,
      );
    }
    const options = { group, strides, dilations, pads: [...begin, ...end] };
    return [
      wants(0) ? g.conv(dy, w, null, options) : null,
      wants(1) ? weightCotangent(g, { x: dy, dy: x, w, group, window }) : null,
      wants(2) ? biasCotangent(g, dy) : null,
    ];
  },
};
