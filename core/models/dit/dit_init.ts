/**
 * Initial weights of a DiT that is trained here, as the DiT authors' code sets
 * them: adaLN-zero makes every block the identity at first (Peebles and Xie, 2023).
 */
import { type Tensor, zeros } from "../../tensor/tensor.ts";
import { ditBlockGraph, type DitConfig } from "./dit.ts";
import { parameterShapes } from "../block_graph/parameter_shapes.ts";
import {
  normalWithDeviation,
  type RandomTensors,
  xavierUniform,
} from "../initial_weights/random_tensors.ts";

/** Key and shape of every weight of a DiT, in diffusers' layout. */
export function ditParameterShapes(
  config: DitConfig,
): Map<string, readonly number[]> {
  return parameterShapes((weights) =>
    ditBlockGraph(config, weights, { batch: 1 })
  );
}

/** All weights of a DiT by key, in diffusers' layout. */
export function initDitWeights(
  config: DitConfig,
  random: RandomTensors,
): Map<string, Tensor<"float32">> {
  const initial = ([key, shape]: [string, readonly number[]]) =>
    [key, initialWeight(key, shape, random)] as const;
  return new Map([...ditParameterShapes(config)].map(initial));
}

const isZero = /\.bias$|\.norm1\.linear\.|^proj_out_/;
const isEmbedder = /\.(timestep|class)_embedder\./;

function initialWeight(
  key: string,
  shape: readonly number[],
  random: RandomTensors,
): Tensor<"float32"> {
  if (isZero.test(key)) return zeros(shape);
  if (isEmbedder.test(key)) return normalWithDeviation(0.02, shape, random);
  // The authors' q, k and v are one matrix.
  const joined = /\.to_[qkv]\./.test(key) ? 3 : 1;
  return xavierUniform(shape, random, { joined });
}
