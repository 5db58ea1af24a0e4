/**
 * Initial weights of a DiT that is trained here, as the DiT authors' code sets
 * them: adaLN-zero makes every block the identity at first (Peebles and Xie, 2023).
 */
import { type Tensor, zeros } from "../../tensor/tensor.ts";
import { parameterShapes } from "../block_graph/parameter_shapes.ts";
import {
  normalWithDeviation,
  type RandomTensors,
  xavierUniform,
} from "../initial_weights/random_tensors.ts";
import { ditBlockGraph } from "./dit.ts";
import type { DitConfig } from "./dit_config.ts";

const isZero = /\.bias$|\.norm1\.linear\.|^proj_out_/;
const isEmbedder = /\.(timestep|class)_embedder\./;

/** All weights of a DiT by key, in diffusers' layout. */
export function initDitWeights(
  config: DitConfig,
  random: RandomTensors,
): Map<string, Tensor<"float32">> {
  const shapes = parameterShapes((weights) =>
    ditBlockGraph(config, weights, { batch: 1 })
  );
  return new Map([...shapes].map(([key, shape]) => {
    if (isZero.test(key)) return [key, zeros(shape)];
    if (isEmbedder.test(key)) {
      return [key, normalWithDeviation(0.02, shape, random)];
    }
    // The authors' q, k and v are one matrix.
    const joined = /\.to_[qkv]\./.test(key) ? 3 : 1;
    return [key, xavierUniform(shape, random, { joined })];
  }));
}
