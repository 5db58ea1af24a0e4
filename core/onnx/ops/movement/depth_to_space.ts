/** DepthToSpace: channels to positions; channels are ordered by position in the block first. */
import { none, type Operator } from "../operator.ts";

/** `[B, b·b·C, H, W]` → `[B, C, b·H, b·W]`. Only `winogradGraph` emits it, whose graphs get no gradient. */
export const depthToSpace: Operator = {
  shape({ node, x: { dtype, shape: [B, C, H, W] }, fail }) {
    const side = node.attributes.blocksize ?? 1;
    if (C % side ** 2 !== 0) {
      fail(`${C} channels are no multiple of ${side ** 2}`);
    }
    return [{ dtype, shape: [B, C / side ** 2, H * side, W * side] }];
  },
  macs: none,
  vjp: none,
};
