/**
 * The convolutional parts of a UNet: residual blocks (He et al., 2016) as
 * Ho et al. (2020) condition them on the timestep, and resampling by 2.
 *
 * Shapes: feature maps `[B, C, H, W]`.
 */
import type { Value } from "../../onnx/graph.ts";
import {
  convolution,
  groupNorm,
  type GroupNormOptions,
  type Layer,
  type LayerOptions,
  linear,
} from "../layers/layers.ts";
import type { LatentSize } from "../block_graph/block_graph.ts";

/** A residual block; `groups` and `epsilon` are those of both its norms. */
export interface ResnetOptions extends GroupNormOptions {
  /** Output channels. */
  readonly channels: number;
  /** Embedding of the timestep, `[B, E]` or `[1, E]` for all; without one the block has no layer for it. */
  readonly embedding?: Value;
}

/** The branch of a residual block: norm, SiLU and convolution, twice, the projected embedding added between them. */
export const resnetBranch: Layer<ResnetOptions> = (
  g,
  x,
  { path, channels, embedding, ...options },
) => {
  const { weights } = options;
  const half = (from: Value, i: 1 | 2) => {
    const normed = groupNorm(g, from, { path: `${path}.norm${i}`, ...options });
    return convolution(g, g.silu(normed), {
      path: `${path}.conv${i}`,
      channels,
      kernel: 3,
      weights,
    });
  };
  const first = half(x, 1);
  if (!embedding) return half(first, 2);
  const shift = linear(g, g.silu(embedding), {
    path: `${path}.time_emb_proj`,
    width: channels,
    weights,
  }); // [B or 1, C]
  const placed = g.reshape(shift, [shift.shape[0], channels, 1, 1]);
  return half(g.add(first, placed), 2);
};

/** The input of a residual block with as many channels as its output: a 1x1 convolution. */
export const resnetShortcut: Layer<
  LayerOptions & { readonly channels: number }
> = (g, x, { path, ...options }) => {
  return convolution(g, x, {
    path: `${path}.conv_shortcut`,
    kernel: 1,
    ...options,
  });
};

/** Half the height and width, rounded up: a convolution of stride 2. */
export const downsample: Layer<LayerOptions> = (g, x, { path, weights }) => {
  return convolution(g, x, {
    path: `${path}.conv`,
    channels: x.shape[1],
    kernel: 3,
    stride: 2,
    padding: 1,
    weights,
  });
};

/**
 * A larger map: nearest neighbours, then a convolution. Where an odd height was
 * halved, twice the half is one too many, so the caller says the size.
 */
export const upsample: Layer<
  LayerOptions & {
    readonly size: LatentSize;
  }
> = (g, x, { path, size: { height, width }, weights }) => {
  const [batch, channels] = x.shape;
  const larger = g.resize(x, [batch, channels, height, width]);
  return convolution(g, larger, {
    path: `${path}.conv`,
    channels,
    kernel: 3,
    weights,
  });
};
