/** Initial weights of a DiT that is trained here. */
import type { Tensor } from "../../tensor/tensor.ts";
import { parameterShapes } from "../block_graph/weights.ts";
import {
  adaLnZeroWeight,
  type RandomTensors,
} from "../initial_weights/random_tensors.ts";
import { ditBlockGraph } from "./dit.ts";
import type { DitConfig } from "./dit_config.ts";

const kinds = {
  zeros: /\.norm1\.linear\.|^proj_out_/,
  embedders: /\.(timestep|class)_embedder\./,
};

/** All weights of a DiT by key, in diffusers' layout. */
export function initDitWeights(
  config: DitConfig,
  random: RandomTensors,
): Map<string, Tensor<"float32">> {
  const shapes = parameterShapes((weights) =>
    ditBlockGraph(config, weights, { batch: 1 })
  );
  return new Map(
    [...shapes].map((
      [key, shape],
    ) => [key, adaLnZeroWeight(key, shape, random, kinds)]),
  );
}
