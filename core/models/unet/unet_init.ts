/**
 * Initial weights of a UNet that is trained here: PyTorch's defaults, except that
 * the last layer of every residual branch is zero, as in Stable Diffusion's own
 * code. At first every resnet is its shortcut, every transformer the identity, and
 * the prediction zero.
 */
import { zeros } from "../../tensor/tensor.ts";
import { parameterShapes } from "../block_graph/weights.ts";
import {
  defaultWeight,
  initialWeights,
  type RandomTensors,
} from "../initial_weights/random_tensors.ts";
import { unetBlockGraph } from "./unet.ts";
import type { UnetConfig } from "./unet_config.ts";

/** Matches keys of the last layer of the network, of each resnet's branch and of each transformer. */
const endsBranch = /(^conv_out|\.conv2|\.proj_out)\.(weight|bias)$/;

/** All weights of a UNet by key, in diffusers' layout. */
export function initUnetWeights(config: UnetConfig, random: RandomTensors) {
  const shapes = parameterShapes((weights) =>
    unetBlockGraph(config, weights, { batch: 1 })
  );
  return initialWeights(
    shapes,
    (key, shape) =>
      endsBranch.test(key) ? zeros(shape) : defaultWeight(key, shapes, random),
  );
}
