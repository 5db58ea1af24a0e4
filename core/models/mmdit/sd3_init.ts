/** Initial weights of an SD3 that is trained here, by the rules for a DiT. */
import { float32, type Tensor } from "../../tensor/tensor.ts";
import { parameterShapes } from "../block_graph/weights.ts";
import {
  adaLnZeroWeight,
  initialWeights,
  type RandomTensors,
} from "../initial_weights/random_tensors.ts";
import { sinCosPositions } from "../layers/positions.ts";
import { widthOf } from "../transformer_config.ts";
import { positionTable, sd3BlockGraph } from "./sd3.ts";
import type { Sd3Config } from "./sd3_config.ts";

const kinds = {
  zeros: /\.norm1(_context)?\.linear\.|^norm_out\.|^proj_out\./,
  embedders: /^(time_text_embed|context_embedder)\./,
};

/** The table of sinusoidal positions, `[1, P², D]`, which span 0 to `sampleSize / patchSize` along each axis. */
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
export const initSd3Weights = (config: Sd3Config, random: RandomTensors) =>
  initialWeights(
    parameterShapes((weights) =>
      sd3BlockGraph(config, weights, { batch: 1, tokens: 1 })
    ),
    (key, shape) =>
      key === positionTable
        ? sd3Positions(config)
        : adaLnZeroWeight(key, shape, random, kinds),
  );
