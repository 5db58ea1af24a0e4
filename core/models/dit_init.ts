/**
 * Initial weights of a DiT that is trained here, as the DiT authors' code sets
 * them: adaLN-zero makes every block the identity at first (Peebles and Xie, 2023).
 */
import { float32, sizeOf, type Tensor, zeros } from "../tensor.ts";
import { ditBlockGraph, type DitConfig } from "./dit.ts";
import { parameterShapes } from "./parameter_shapes.ts";
import { type RandomTensors, uniformWithin } from "./random_tensors.ts";

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
  return isEmbedder.test(key)
    ? float32(shape, random.randn(shape).data.map((x) => 0.02 * x))
    : xavierUniform(key, shape, random);
}

/** Uniform in ±√(6 / (fan in + fan out)) (Glorot and Bengio, 2010). The authors' q, k and v are one matrix of three times the rows. */
function xavierUniform(
  key: string,
  shape: readonly number[],
  random: RandomTensors,
): Tensor<"float32"> {
  const fanIn = sizeOf(shape.slice(1));
  const fanOut = /\.to_[qkv]\./.test(key) ? 3 * shape[0] : shape[0];
  const bound = Math.sqrt(6 / (fanIn + fanOut));
  return uniformWithin(bound, shape, random);
}
