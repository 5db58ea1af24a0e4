/**
 * The transformer inside a UNet (Rombach et al., 2022; diffusers'
 * `Transformer2DModel`): a feature map becomes tokens, these attend to each
 * other and to the text, and are added to the map again.
 *
 * Shapes: feature map `[B, D, H, W]`, tokens `[B, L, D]` with `L = H W`, text
 * `[B, S, E]`.
 */
import type { GraphBuilder } from "../../onnx/builder.ts";
import type { Value } from "../../onnx/graph.ts";
import { attention } from "../layers/attention.ts";
import {
  affineLayerNorm,
  convolution,
  groupNorm,
  type LayerOptions,
  linear,
} from "../layers/layers.ts";

/** ε of the norm before the first projection, and of those within. */
const groupNormEpsilon = 1e-6;
const layerNormEpsilon = 1e-5;

/** How tokens are projected in and out: a linear layer, or the same as a 1x1 convolution. */
export interface ProjectionOptions extends LayerOptions {
  readonly linearProjection: boolean;
}

/** `[B, D, H, W]` → `[B, H W, D]` */
function toTokens(g: GraphBuilder, x: Value): Value {
  const [batch, width, height, columns] = x.shape;
  const flat = g.reshape(x, [batch, width, height * columns]);
  return g.transpose(flat, [0, 2, 1]);
}

/** `[B, H W, D]` → `[B, D, H, W]`, of the shape of `like`. */
function toMap(g: GraphBuilder, tokens: Value, like: Value): Value {
  return g.reshape(g.transpose(tokens, [0, 2, 1]), like.shape);
}

/** The feature map, normalised and projected, as tokens. */
export function projectIn(
  g: GraphBuilder,
  x: Value,
  { path, groups, linearProjection, weights }: ProjectionOptions & {
    readonly groups: number;
  },
): Value {
  const map = groupNorm(g, x, {
    path: `${path}.norm`,
    groups,
    epsilon: groupNormEpsilon,
    weights,
  });
  const width = x.shape[1];
  const layer = { path: `${path}.proj_in`, weights };
  return linearProjection
    ? linear(g, toTokens(g, map), { ...layer, width })
    : toTokens(
      g,
      convolution(g, map, { ...layer, channels: width, kernel: 1 }),
    );
}

/** The tokens, projected and added to the feature map they came from. */
export function projectOut(
  g: GraphBuilder,
  tokens: Value,
  x: Value,
  { path, linearProjection, weights }: ProjectionOptions,
): Value {
  const width = x.shape[1];
  const layer = { path: `${path}.proj_out`, weights };
  const map = linearProjection
    ? toMap(g, linear(g, tokens, { ...layer, width }), x)
    : convolution(g, toMap(g, tokens, x), {
      ...layer,
      channels: width,
      kernel: 1,
    });
  return g.add(x, map);
}

/** A layer within a transformer block. */
export interface TransformerLayerOptions {
  /** Module path of the transformer block. */
  readonly block: string;
  readonly weights: LayerOptions["weights"];
}

/** The norm `<block>.norm<i>` before layer i. */
const normed = (
  g: GraphBuilder,
  x: Value,
  i: number,
  { block, weights }: TransformerLayerOptions,
): Value =>
  affineLayerNorm(g, x, {
    path: `${block}.norm${i}`,
    epsilon: layerNormEpsilon,
    weights,
  });

/**
 * Attention after its norm, `<block>.attn<i>`: the tokens' update. Its
 * projections in have no biases.
 *
 * @param options.text Attended to instead of the tokens themselves, `[B, S, E]`.
 */
export function attentionLayer(
  g: GraphBuilder,
  x: Value,
  { i, text, heads, single, ...layer }: TransformerLayerOptions & {
    readonly i: 1 | 2;
    readonly text?: Value;
    readonly heads: number;
    readonly single: boolean;
  },
): Value {
  return attention(g, normed(g, x, i, layer), {
    path: `${layer.block}.attn${i}`,
    context: text,
    projectionBias: false,
    heads,
    single,
    weights: layer.weights,
  });
}

/** The feed-forward layer after its norm, GEGLU (Shazeer, 2020), four times the width inside: the tokens' update. */
export function feedForward(
  g: GraphBuilder,
  x: Value,
  layer: TransformerLayerOptions,
): Value {
  const { block, weights } = layer;
  const width = x.shape[2];
  const both = linear(g, normed(g, x, 3, layer), {
    path: `${block}.ff.net.0.proj`,
    width: 8 * width,
    weights,
  }); // [B, L, 8D]
  const [hidden, gate] = g.chunk(both, 2, { axis: 2 });
  const gated = g.mul(hidden, g.gelu(gate)); // [B, L, 4D]
  return linear(g, gated, { path: `${block}.ff.net.2`, width, weights });
}
