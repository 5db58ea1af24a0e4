/**
 * Initial weights of a UNet that is trained here: PyTorch's defaults, except
 * that whatever ends a residual branch is zero, as in Stable Diffusion's own
 * code. So every resnet is its shortcut at first, every transformer the
 * identity, and the prediction zero.
 */
import { float32, sizeOf, type Tensor, zeros } from "../tensor.ts";
import { parameterShapes } from "./parameter_shapes.ts";
import { type RandomTensors, uniformWithin } from "./random_tensors.ts";
import { unetBlockGraph } from "./unet.ts";
import type { UnetConfig } from "./unet_config.ts";

/** Key and shape of every weight of a UNet, in diffusers' layout. */
export function unetParameterShapes(
  config: UnetConfig,
): Map<string, readonly number[]> {
  return parameterShapes((weights) =>
    unetBlockGraph(config, weights, { batch: 1 })
  );
}

/** All weights of a UNet by key, in diffusers' layout. */
export function initUnetWeights(
  config: UnetConfig,
  random: RandomTensors,
): Map<string, Tensor<"float32">> {
  const shapes = unetParameterShapes(config);
  return new Map(
    [...shapes.keys()].map((key) => [key, initialWeight(key, shapes, random)]),
  );
}

/** The last layer of the network, of each resnet's branch and of each transformer. */
const endsBranch = /(^conv_out|\.conv2|\.proj_out)\.(weight|bias)$/;

/** Norms start as the identity; all other weights and biases are uniform in ±1/√(fan in), as PyTorch's `Linear` and `Conv2d` draw them. */
function initialWeight(
  key: string,
  shapes: ReadonlyMap<string, readonly number[]>,
  random: RandomTensors,
): Tensor<"float32"> {
  const shape = shapes.get(key)!;
  const weight = shapes.get(key.replace(/bias$/, "weight"))!;
  const isNorm = weight.length === 1;
  if (isNorm && key.endsWith(".weight")) {
    return float32(shape, new Float32Array(sizeOf(shape)).fill(1));
  }
  if (isNorm || endsBranch.test(key)) return zeros(shape);
  const fanIn = sizeOf(weight.slice(1));
  return uniformWithin(1 / Math.sqrt(fanIn), shape, random);
}
