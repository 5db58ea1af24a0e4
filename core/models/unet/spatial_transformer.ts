/**
 * The transformer inside a UNet (Rombach et al., 2022; diffusers'
 * `Transformer2DModel`): a feature map becomes tokens, which attend to each other
 * and to the text, and are added to the map.
 *
 * Shapes: feature map `[B, D, H, W]`, tokens `[B, L, D]` with `L = H W`, text
 * `[B, S, E]`.
 */
import type { Value } from "../../onnx/graph.ts";
import { attention, type AttentionOptions } from "../layers/attention.ts";
import {
  affineLayerNorm,
  convolution,
  groupNorm,
  type Layer,
  type LayerOptions,
  linear,
  toMap,
  toTokens,
} from "../layers/layers.ts";

/** ε of the group norm before the first projection, and of the layer norms in the blocks. */
const groupNormEpsilon = 1e-6;
const layerNormEpsilon = 1e-5;

/** The projections in and out: each is a linear layer, or the same as a 1x1 convolution. */
export interface ProjectionOptions extends LayerOptions {
  readonly linearProjection: boolean;
}

/** Turns the feature map, normalised and projected, into tokens. */
export const projectIn: Layer<ProjectionOptions & { groups: number }> = (
  g,
  x,
  { path, groups, linearProjection, weights },
) => {
  const norm = { path: `${path}.norm`, groups, epsilon: groupNormEpsilon };
  const map = groupNorm(g, x, { ...norm, weights });
  const width = x.shape[1];
  const layer = { path: `${path}.proj_in`, weights };
  if (linearProjection) {
    return linear(g, toTokens(g, map), { ...layer, width });
  }
  const own = { ...layer, channels: width, kernel: 1 };
  return toTokens(g, convolution(g, map, own));
};

/** Projects the tokens and adds them to the feature map that they came from. */
export const projectOut: Layer<ProjectionOptions & { map: Value }> = (
  g,
  tokens,
  { path, map, linearProjection, weights },
) => {
  const width = map.shape[1];
  const layer = { path: `${path}.proj_out`, weights };
  const own = { ...layer, channels: width, kernel: 1 };
  const projected = linearProjection
    ? toMap(g, linear(g, tokens, { ...layer, width }), map)
    : convolution(g, toMap(g, tokens, map), own);
  return g.add(map, projected);
};

/** A layer within a transformer block, whose module path is `path`. */
type BlockLayer<Options = unknown> = Layer<LayerOptions & Options>;

/** The norm `norm<i>` before layer i. */
const normed: BlockLayer<{ i: number }> = (g, x, { path, i, weights }) => {
  const norm = { path: `${path}.norm${i}`, epsilon: layerNormEpsilon, weights };
  return affineLayerNorm(g, x, norm);
};

/**
 * The tokens' update by the attention `attn<i>` after its norm. The projections of
 * queries, keys and values have no biases.
 *
 * @param options.context The tensor to attend to, `[B, S, E]`; the tokens themselves by default.
 */
export const attentionLayer: BlockLayer<
  & { i: 1 | 2 }
  & Pick<AttentionOptions, "context" | "heads" | "single">
> = (g, x, { path, i, ...options }) => {
  const { weights } = options;
  const own = { ...options, path: `${path}.attn${i}`, projectionBias: false };
  return attention(g, normed(g, x, { path, i, weights }), own);
};

/** The tokens' update by a norm and a feed-forward layer: GEGLU (Shazeer, 2020), four times the width inside. */
export const feedForward: BlockLayer = (g, x, { path, weights }) => {
  const width = x.shape[2];
  const up = { path: `${path}.ff.net.0.proj`, width: 8 * width, weights };
  const both = linear(g, normed(g, x, { path, i: 3, weights }), up); // [B, L, 8D]
  const [hidden, gate] = g.chunk(both, 2, { axis: 2 });
  const gated = g.mul(hidden, g.gelu(gate)); // [B, L, 4D]
  return linear(g, gated, { path: `${path}.ff.net.2`, width, weights });
};
