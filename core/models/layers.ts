/**
 * Layers that the families share. Each emits its nodes under its module path,
 * so that a node's name says which weights it uses.
 */
import type { GraphBuilder } from "../onnx/builder.ts";
import type { Value } from "../onnx/graph.ts";
import { float32, sizeOf } from "../tensor.ts";
import type { WeightSource } from "./weights.ts";

/** A layer with a weight and a bias. */
export interface LinearOptions {
  /** Module path: its `weight` `[width, in]` and `bias` `[width]` are the keys. */
  readonly path: string;
  /** Output features. */
  readonly width: number;
  readonly weights: WeightSource;
}

const parameter = (
  g: GraphBuilder,
  key: string,
  shape: readonly number[],
  weights: WeightSource,
): Value => g.parameter(key, shape, weights(key, shape));

/** y = x Wᵀ + b over the last axis: one Gemm that reads PyTorch's layout as it lies. `[..., in]` → `[..., width]` */
export function linear(
  g: GraphBuilder,
  x: Value,
  { path, width, weights }: LinearOptions,
): Value {
  const features = x.shape[x.shape.length - 1];
  return g.scope(path, () => {
    const weight = parameter(g, `${path}.weight`, [width, features], weights);
    const bias = parameter(g, `${path}.bias`, [width], weights);
    const rows = x.shape.length === 2
      ? x
      : g.reshape(x, [sizeOf(x.shape) / features, features]);
    const y = g.gemm(rows, weight, bias, { transB: 1 });
    return x.shape.length === 2
      ? y
      : g.reshape(y, [...x.shape.slice(0, -1), width]);
  });
}

/** Layer normalisation of the last axis without learned scale and bias. */
export function layerNorm(
  g: GraphBuilder,
  x: Value,
  { epsilon }: { epsilon: number },
): Value {
  const width = x.shape[x.shape.length - 1];
  const ones = g.constant(float32([width], new Float32Array(width).fill(1)));
  return g.layerNormalization(x, ones, null, { epsilon });
}

/** Non-overlapping patches as tokens: `[B, C, H, W]` → `[B, (H/p)(W/p), width]`. */
export function patchEmbedding(
  g: GraphBuilder,
  x: Value,
  { path, patchSize: p, width, weights }: LinearOptions & { patchSize: number },
): Value {
  return g.scope(path, () => {
    const shape = [width, x.shape[1], p, p];
    const weight = parameter(g, `${path}.weight`, shape, weights);
    const bias = parameter(g, `${path}.bias`, [width], weights);
    const y = g.conv(x, weight, bias, { strides: [p, p] }); // [B, width, H/p, W/p]
    const tokens = y.shape[2] * y.shape[3];
    return g.transpose(g.reshape(y, [x.shape[0], width, tokens]), [0, 2, 1]);
  });
}

/**
 * Sinusoidal embedding of timesteps, cosines first, frequencies in float32 as
 * diffusers computes them: `[B]` int64 → `[B, channels]`.
 *
 * @param frequencyShift diffusers' `downscale_freq_shift`: 1 for DiT.
 */
export function timestepEmbedding(
  g: GraphBuilder,
  timestep: Value,
  { channels, frequencyShift }: { channels: number; frequencyShift: number },
): Value {
  const half = channels / 2;
  const scale = Math.fround(-Math.log(10000));
  const frequencies = Float32Array.from(
    { length: half },
    (_, i) =>
      Math.exp(Math.fround(Math.fround(scale * i) / (half - frequencyShift))),
  );
  const t = g.reshape(g.cast(timestep, "float32"), [timestep.shape[0], 1]);
  const angles = g.mul(t, g.constant(float32([1, half], frequencies)));
  return g.concat([g.cos(angles), g.sin(angles)], { axis: 1 });
}
