/** Initial weights of a DiT that is trained here. */
import { parameterShapes } from "../block_graph/weights.ts";
import {
  adaLnZeroWeight,
  initialWeights,
  type RandomTensors,
} from "../initial_weights/random_tensors.ts";
import { ditBlockGraph } from "./dit.ts";
import type { DitConfig } from "./dit_config.ts";

const kinds = {
  zeros: /\.norm1\.linear\.|^proj_out_/,
  embedders: /\.(timestep|class)_embedder\./,
};

/** All weights of a DiT by key, in diffusers' layout. */
export const initDitWeights = (config: DitConfig, random: RandomTensors) =>
  initialWeights(
    parameterShapes((weights) => ditBlockGraph(config, weights, { batch: 1 })),
    (key, shape) => adaLnZeroWeight(key, shape, random, kinds),
  );
