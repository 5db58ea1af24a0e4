/**
 * Layers that the families share. Each emits its nodes under its module path,
 * so that a node's name says which weights it uses.
 */
import type { GraphBuilder } from "../../onnx/builder.ts";
import type { Value } from "../../onnx/graph.ts";
import { float32, sizeOf, zeros } from "../../tensor/tensor.ts";
import type { WeightSource } from "../block_graph/weights.ts";

/** Adds a layer's nodes to a graph; returns the layer's output for `x`. */
export type Layer<Options> = (
  g: GraphBuilder,
  x: Value,
  options: Options,
) => Value;

/** A layer with weights, whose keys are `<path>.weight` and `<path>.bias`. */
export interface LayerOptions {
  /** Module path. */
  readonly path: string;
  readonly weights: WeightSource;
}

/** A layer with a weight `[width, in]` and a bias `[width]`. */
export interface LinearOptions extends LayerOptions {
  /** Output features. */
  readonly width: number;
  /** Whether there is a bias; true by default. */
  readonly bias?: boolean;
}

/** The weight `key`, of the shape that the configuration calls for. */
export const parameter = (
  g: GraphBuilder,
  key: string,
  shape: readonly number[],
  weights: WeightSource,
): Value => g.parameter(key, shape, weights(key, shape));

/** Computes y = x Wᵀ + b over the last axis, by one Gemm on PyTorch's layout. `[..., in]` → `[..., width]` */
export const linear: Layer<LinearOptions> = (
  g,
  x,
  { path, width, weights, bias: hasBias = true },
) => {
  const features = x.shape[x.shape.length - 1];
  return g.scope(path, () => {
    const weight = parameter(g, `${path}.weight`, [width, features], weights);
    const bias = hasBias
      ? parameter(g, `${path}.bias`, [width], weights)
      : null;
    const rows = x.shape.length === 2
      ? x
      : g.reshape(x, [sizeOf(x.shape) / features, features]);
    const y = g.gemm(rows, weight, bias, { transB: 1 });
    return x.shape.length === 2
      ? y
      : g.reshape(y, [...x.shape.slice(0, -1), width]);
  });
};

/**
 * Embeds conditions, timesteps and captions as diffusers does: by two linear
 * layers, `<path>.linear_1` and `<path>.linear_2`, both `width` wide.
 * `[..., in]` → `[..., width]`
 *
 * @param options.activation The activation between the layers; SiLU by default.
 */
export const embedding: Layer<
  & Pick<LinearOptions, "path" | "width" | "weights">
  & { readonly activation?: (hidden: Value) => Value }
> = (g, x, { path, activation = (hidden) => g.silu(hidden), ...layer }) => {
  const hidden = linear(g, x, { path: `${path}.linear_1`, ...layer });
  return linear(g, activation(hidden), { path: `${path}.linear_2`, ...layer });
};

/** A square convolution with weight `[channels, in, kernel, kernel]` and bias. */
export interface ConvolutionOptions extends LayerOptions {
  /** Output channels. */
  readonly channels: number;
  readonly kernel: number;
  readonly stride?: number;
  /** Padding of all four sides, or `[top, left, bottom, right]`; the default keeps the size at stride 1. */
  readonly padding?: number | readonly number[];
}

/** Convolves feature maps: `[B, in, H, W]` → `[B, channels, H', W']`. */
export const convolution: Layer<ConvolutionOptions> = (
  g,
  x,
  { path, channels, kernel, stride = 1, weights, ...options },
) => {
  const { padding = (kernel - 1) / 2 } = options;
  return g.scope(path, () => {
    const shape = [channels, x.shape[1], kernel, kernel];
    const weight = parameter(g, `${path}.weight`, shape, weights);
    const bias = parameter(g, `${path}.bias`, [channels], weights);
    const pads = typeof padding === "number" ? Array(4).fill(padding) : padding;
    return g.conv(x, weight, bias, { strides: [stride, stride], pads });
  });
};

const ones = (g: GraphBuilder, count: number): Value =>
  g.constant(float32([count], new Float32Array(count).fill(1)));

/** Layer normalisation of the last axis without learned scale and bias. */
export const layerNorm: Layer<{ epsilon: number }> = (g, x, { epsilon }) => {
  const width = x.shape[x.shape.length - 1];
  return g.layerNormalization(x, ones(g, width), null, { epsilon });
};

/** Layer normalisation of the last axis with its own scale and bias. */
export const affineLayerNorm: Layer<LayerOptions & { epsilon: number }> = (
  g,
  x,
  { path, epsilon, weights },
) => {
  const shape = x.shape.slice(-1);
  return g.scope(path, () => {
    const scale = parameter(g, `${path}.weight`, shape, weights);
    const bias = parameter(g, `${path}.bias`, shape, weights);
    return g.layerNormalization(x, scale, bias, { epsilon });
  });
};

/** RMS norm (Zhang and Sennrich, 2019) of the last axis: w x / √(mean of x² + ε), in operators that ONNX Runtime fuses. */
export const rmsNorm: Layer<LayerOptions & { readonly epsilon: number }> = (
  g,
  x,
  { path, epsilon, weights },
) => {
  const norm = () => {
    const scale = parameter(g, `${path}.weight`, x.shape.slice(-1), weights);
    const power = g.reduceMean(g.pow(x, g.scalar(2)), { axes: [-1] });
    const deviation = g.sqrt(g.add(power, g.scalar(epsilon)));
    return g.mul(g.div(x, deviation), scale);
  };
  return g.scope(path, () => g.inSingle(norm)); // squares exceed float16's range
};

/** A norm over groups of channels. */
export interface GroupNormOptions extends LayerOptions {
  readonly groups: number;
  readonly epsilon: number;
}

/**
 * Group normalisation (Wu and He, 2018) with a scale and a bias for each channel:
 * each group is a channel of an InstanceNormalization. `[B, C, H, W]` → the same.
 */
export const groupNorm: Layer<GroupNormOptions> = (
  g,
  x,
  { path, groups, epsilon, weights },
) => {
  const [batch, channels, height, width] = x.shape;
  return g.scope(path, () => {
    const perChannel = (name: string) => {
      const own = parameter(g, `${path}.${name}`, [channels], weights);
      return g.reshape(own, [channels, 1, 1]);
    };
    const size = channels / groups * height * width;
    const grouped = g.reshape(x, [batch, groups, size]);
    const none = g.constant(zeros([groups]));
    const one = ones(g, groups);
    const normed = g.instanceNormalization(grouped, one, none, { epsilon });
    const scaled = g.mul(g.reshape(normed, x.shape), perChannel("weight"));
    return g.add(scaled, perChannel("bias"));
  });
};

/** Reshapes a map to tokens: `[B, D, H, W]` → `[B, H W, D]`. */
export function toTokens(g: GraphBuilder, map: Value): Value {
  const [batch, width, height, columns] = map.shape;
  const flat = g.reshape(map, [batch, width, height * columns]);
  return g.transpose(flat, [0, 2, 1]);
}

/** Reshapes tokens to a map of the shape of `like`: `[B, H W, D]` → `[B, D, H, W]`. */
export const toMap = (g: GraphBuilder, tokens: Value, like: Value): Value =>
  g.reshape(g.transpose(tokens, [0, 2, 1]), like.shape);

/** Embeds non-overlapping patches as tokens: `[B, C, H, W]` → `[B, (H/p)(W/p), width]`. */
export const patchEmbedding: Layer<LinearOptions & { patchSize: number }> = (
  g,
  x,
  { path, patchSize: p, width, weights, bias: hasBias = true },
) =>
  g.scope(path, () => {
    const shape = [width, x.shape[1], p, p];
    const weight = parameter(g, `${path}.weight`, shape, weights);
    const bias = hasBias
      ? parameter(g, `${path}.bias`, [width], weights)
      : null;
    return toTokens(g, g.conv(x, weight, bias, { strides: [p, p] }));
  });

/**
 * Sinusoidal embedding of timesteps, cosines first, with frequencies in float32 as
 * diffusers computes them: `[B]` → `[B, channels]`. Timesteps are float32, as a
 * sampler may stop between two timesteps of training.
 *
 * @param frequencyShift diffusers' `downscale_freq_shift`: 1 for DiT.
 */
export const timestepEmbedding: Layer<
  { channels: number; frequencyShift: number }
> = (g, timestep, { channels, frequencyShift }) => {
  const half = channels / 2;
  const scale = Math.fround(-Math.log(10000));
  const frequencies = Float32Array.from(
    { length: half },
    (_, i) =>
      Math.exp(Math.fround(Math.fround(scale * i) / (half - frequencyShift))),
  );
  const t = g.reshape(timestep, [timestep.shape[0], 1]);
  const angles = g.mul(t, g.constant(float32([1, half], frequencies)));
  return g.concat([g.cos(angles), g.sin(angles)], { axis: 1 });
};
