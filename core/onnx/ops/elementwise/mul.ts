/** Mul: a product, or the affine part of a norm that is spelled out. */
import { sizeOf } from "../../../tensor/tensor.ts";
import type { Cost, MacsCall } from "../operator.ts";
import { binary } from "./elementwise.ts";

/** (ab)' = a'b + ab'. */
export const mul = binary(({ g, x: a, inputs: [, b], dy, wants }) => [
  wants(0) ? g.mul(dy, b!) : null,
  wants(1) ? g.mul(dy, a) : null,
], { macs: affine });

/**
 * In GroupNorm: InstanceNormalization over `[B, G, ...]` with constant scale,
 * reshaped to `[B, C, H, W]`, then Mul by a parameter. The norm counts 1 an
 * element, this Mul the other.
 */
function affine({ y, isWeight, sourceCostOf }: MacsCall): Cost {
  const isAffine = [0, 1].some(isWeight) &&
    [0, 1].some((i) => sourceCostOf(i).norm !== undefined);
  return isAffine ? { affine: sizeOf(y.shape) } : {};
}
