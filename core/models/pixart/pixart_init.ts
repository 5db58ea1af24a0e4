/**
 * Initial weights of a PixArt that is trained here, as the PixArt authors' code
 * sets them (Chen et al., 2023): attention to the text and the prediction start
 * at zero, so that a block is a DiT's at first.
 */
import { type Tensor, zeros } from "../../tensor/tensor.ts";
import { parameterShapes } from "../block_graph/parameter_shapes.ts";
import { pixartBlockGraph } from "./pixart.ts";
import type { PixartConfig } from "./pixart_config.ts";
import {
  normalWithDeviation,
  type RandomTensors,
  xavierUniform,
} from "../initial_weights/random_tensors.ts";

/** Key and shape of every weight of a PixArt, in diffusers' layout. */
export function pixartParameterShapes(
  config: PixartConfig,
): Map<string, readonly number[]> {
  return parameterShapes((weights) =>
    pixartBlockGraph(config, weights, { batch: 1 })
  );
}

/** All weights of a PixArt by key, in diffusers' layout. */
export function initPixartWeights(
  config: PixartConfig,
  random: RandomTensors,
): Map<string, Tensor<"float32">> {
  const initial = ([key, shape]: [string, readonly number[]]) =>
    [key, initialWeight(key, shape, random)] as const;
  return new Map([...pixartParameterShapes(config)].map(initial));
}

const isZero = /\.bias$|\.attn2\.to_out\.0\.|^proj_out\./;
const isCondition = /^(adaln_single|caption_projection)\./;

function initialWeight(
  key: string,
  shape: readonly number[],
  random: RandomTensors,
): Tensor<"float32"> {
  if (isZero.test(key)) return zeros(shape);
  if (key.endsWith("scale_shift_table")) {
    return normalWithDeviation(1 / Math.sqrt(shape[1]), shape, random);
  }
  return isCondition.test(key)
    ? normalWithDeviation(0.02, shape, random)
    : xavierUniform(shape, random, { joined: joinedBy(key) });
}

/** The authors keep q, k and v of self-attention as one matrix, and k and v of attention to the text. */
function joinedBy(key: string): number {
  if (/\.attn1\.to_[qkv]\./.test(key)) return 3;
  return /\.attn2\.to_[kv]\./.test(key) ? 2 : 1;
}
