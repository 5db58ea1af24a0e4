/**
 * The convolutional parts of a UNet: residual blocks (He et al., 2016) as
 * Ho et al. (2020) condition them on the timestep, and resampling by 2.
 *
 * Shapes: feature maps `[B, C, H, W]`.
 */
import type { Value } from "../../onnx/graph.ts";
import {
  convolution,
  type ConvolutionOptions,
  groupNorm,
  type GroupNormOptions,
  type Layer,
  type LayerOptions,
  linear,
} from "../layers/layers.ts";
import type { LatentSize } from "../block_graph/block_graph.ts";

/** A residual block; `groups` and `epsilon` belong to both its norms. */
export interface ResnetOptions extends GroupNormOptions {
  /** Output channels. */
  readonly channels: number;
  /** Embedding of the timestep, `[B, E]` or `[1, E]` for all; if undefined, the block has no layer for it. */
  readonly embedding?: Value;
}

/** A residual block's branch: norm, SiLU and convolution, twice, with the projected embedding added between. */
export const resnetBranch: Layer<ResnetOptions> = (
  g,
  x,
  { path, channels, embedding, ...options },
) => {
  const { weights } = options;
  const half = (from: Value, i: 1 | 2) => {
    const normed = groupNorm(g, from, { path: `${path}.norm${i}`, ...options });
    const own = { path: `${path}.conv${i}`, channels, kernel: 3, weights };
    return convolution(g, g.silu(normed), own);
  };
  const first = half(x, 1);
  if (!embedding) return half(first, 2);
  const time = { path: `${path}.time_emb_proj`, width: channels, weights };
  const shift = linear(g, g.silu(embedding), time); // [B or 1, C]
  const placed = g.reshape(shift, [shift.shape[0], channels, 1, 1]);
  return half(g.add(first, placed), 2);
};

/** The shortcut of a residual block that changes the channels: its input after a 1x1 convolution. */
export const resnetShortcut: Layer<LayerOptions & { channels: number }> = (
  g,
  x,
  { path, channels, weights },
) => {
  const own = `${path}.conv_shortcut`;
  return convolution(g, x, { path: own, kernel: 1, channels, weights });
};

/** Halves a map's sides, rounded up, by a convolution of stride 2. @param options.padding As in `convolution`; 1 by default. */
export const downsample: Layer<
  LayerOptions & Pick<ConvolutionOptions, "padding">
> = (g, x, { path, padding = 1, weights }) => {
  const size = { channels: x.shape[1], kernel: 3, stride: 2, padding };
  return convolution(g, x, { path: `${path}.conv`, ...size, weights });
};

/**
 * Enlarges a map: nearest neighbours, then a convolution. The caller gives the
 * size, as twice the rounded half of an odd height is one too many.
 */
export const upsample: Layer<LayerOptions & { size: LatentSize }> = (
  g,
  x,
  { path, size: { height, width }, weights },
) => {
  const [batch, channels] = x.shape;
  const larger = g.resize(x, [batch, channels, height, width]);
  const own = { path: `${path}.conv`, channels, kernel: 3 };
  return convolution(g, larger, { ...own, weights });
};
