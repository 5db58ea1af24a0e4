/**
 * Initial weights of an SD3 that is trained here, as those of a DiT
 * (`dit_init.ts`): modulations of zero make every block the identity at first.
 */
import { float32, sizeOf, type Tensor, zeros } from "../../tensor/tensor.ts";
import { parameterShapes } from "../block_graph/parameter_shapes.ts";
import {
  normalWithDeviation,
  type RandomTensors,
  xavierUniform,
} from "../initial_weights/random_tensors.ts";
import { sinCosPositions } from "../layers/positions.ts";
import { widthOf } from "../transformer_config.ts";
import { positionTable, sd3BlockGraph } from "./sd3.ts";
import type { Sd3Config } from "./sd3_config.ts";

const isZero = /\.bias$|\.norm1(_context)?\.linear\.|^norm_out\.|^proj_out\./;
const isEmbedder = /^(time_text_embed|context_embedder)\./;

/** Sines and cosines of the places, `[1, P², D]`, one step apart where a picture has `sample_size`. */
export function sd3Positions(config: Sd3Config): Tensor<"float32"> {
  const { positions, sampleSize, patchSize } = config;
  const width = widthOf(config);
  const table = sinCosPositions(width, {
    height: positions,
    columns: positions,
    span: sampleSize / patchSize,
  });
  return float32([1, positions ** 2, width], table);
}

/** All weights of an SD3 by key, in diffusers' layout, its table of positions among them. */
export function initSd3Weights(
  config: Sd3Config,
  random: RandomTensors,
): Map<string, Tensor<"float32">> {
  const shapes = parameterShapes((weights) =>
    sd3BlockGraph(config, weights, { batch: 1, tokens: 1 })
  );
  return new Map([...shapes].map(([key, shape]) => {
    if (key === positionTable) return [key, sd3Positions(config)];
    if (isZero.test(key)) return [key, zeros(shape)];
    if (shape.length === 1) { // scales of norms
      return [key, float32(shape, new Float32Array(sizeOf(shape)).fill(1))];
    }
    if (isEmbedder.test(key)) {
      return [key, normalWithDeviation(0.02, shape, random)];
    }
    const isJoined = /\.to_[qkv]\.|\.add_[qkv]_proj\./.test(key);
    return [key, xavierUniform(shape, random, { joined: isJoined ? 3 : 1 })];
  }));
}
