/**
 * Layers of diffusion transformers (Peebles and Xie, 2023): a picture becomes
 * tokens, blocks whose norms are modulated by the timestep add to them, and the
 * tokens become a picture again.
 *
 * Shapes: `B` batch, `C` channels, `H W` picture, `p` patch size,
 * `L = (H/p)(W/p)` tokens, `D` width.
 */
import type { GraphBuilder } from "../../onnx/builder.ts";
import type { Value } from "../../onnx/graph.ts";
import { float32 } from "../../tensor/tensor.ts";
import { attention } from "./attention.ts";
import {
  layerNorm,
  type LayerOptions,
  linear,
  patchEmbedding,
} from "./layers.ts";
import { sinCosPositions, type TokenGrid } from "./positions.ts";
import type { WeightSource } from "../block_graph/weights.ts";

/** A picture's tokens with their positions: `[B, C, H, W]` → `[B, L, D]`. */
export function patchTokens(
  g: GraphBuilder,
  picture: Value,
  { patchSize, width, steps, weights }: {
    patchSize: number;
    width: number;
    /** How far apart neighbouring tokens lie; 1 by default. */
    steps?: Pick<TokenGrid, "rowStep" | "columnStep">;
    weights: WeightSource;
  },
): Value {
  const path = "pos_embed.proj";
  const tokens = patchEmbedding(g, picture, {
    path,
    patchSize,
    width,
    weights,
  });
  const [, , H, W] = picture.shape;
  const grid = { height: H / patchSize, columns: W / patchSize, ...steps };
  const positions = sinCosPositions(width, grid);
  return g.add(
    tokens,
    g.constant(float32([1, tokens.shape[1], width], positions)),
  );
}

/** How a norm's output is moved: x (1 + scale) + shift. Each `[B, 1, D]`. */
export interface Shift {
  readonly shift: Value;
  readonly scale: Value;
}

/** The modulation of a sublayer; `gate` multiplies what it adds to the stream. */
export interface Modulation extends Shift {
  readonly gate: Value;
}

/** Shift and scale out of `[B, 2, D]`. */
export function shiftOf(g: GraphBuilder, parts: Value): Shift {
  const [shift, scale] = g.chunk(parts, 2, { axis: 1 });
  return { shift, scale };
}

/** The modulation of attention or of the feed-forward layer out of a block's `[B, 6, D]`. */
export function modulationOf(
  g: GraphBuilder,
  parts: Value,
  sublayer: "attention" | "feedForward",
): Modulation {
  const first = sublayer === "attention" ? 0 : 3;
  const all = g.chunk(parts, 6, { axis: 1 });
  const [shift, scale, gate] = all.slice(first, first + 3);
  return { shift, scale, gate };
}

/** A modulated norm without weights. */
export function modulatedNorm(
  g: GraphBuilder,
  x: Value,
  { shift, scale, path, epsilon }: Shift & { path: string; epsilon: number },
): Value {
  const normed = g.scope(path, () => layerNorm(g, x, { epsilon }));
  return g.add(g.mul(normed, g.add(scale, g.scalar(1))), shift);
}

/** A sublayer within the transformer block at `block`. */
export interface SublayerOptions {
  /** Module path of the transformer block. */
  readonly block: string;
  readonly modulation: Modulation;
  /** ε of the norm before the sublayer. */
  readonly epsilon: number;
  readonly weights: WeightSource;
}

/** What self-attention adds to the tokens: gate · attention(modulated norm). */
export function modulatedAttention(
  g: GraphBuilder,
  x: Value,
  { block, modulation, epsilon, heads, weights }: SublayerOptions & {
    heads: number;
  },
): Value {
  const path = `${block}.norm1`;
  const input = modulatedNorm(g, x, { ...modulation, path, epsilon });
  const seen = attention(g, input, { path: `${block}.attn1`, heads, weights });
  return g.mul(modulation.gate, seen);
}

/** What the feed-forward layer adds to the tokens: gate · MLP(modulated norm), GELU in its tanh form, four times the width inside. */
export function modulatedFeedForward(
  g: GraphBuilder,
  x: Value,
  { block, norm, modulation, epsilon, weights }: SublayerOptions & {
    /** The norm's name in the block. */
    norm: string;
  },
): Value {
  const width = x.shape[2];
  const path = `${block}.${norm}`;
  const input = modulatedNorm(g, x, { ...modulation, path, epsilon });
  const up = linear(g, input, {
    path: `${block}.ff.net.0.proj`,
    width: 4 * width,
    weights,
  });
  const hidden = g.gelu(up, { approximate: "tanh" }); // [B, L, 4D]
  const down = { path: `${block}.ff.net.2`, width, weights };
  return g.mul(modulation.gate, linear(g, hidden, down));
}

/** The prediction out of the last tokens, modulated once more: `[B, L, D]` → `[B, C, H, W]`. */
export function patchPicture(
  g: GraphBuilder,
  x: Value,
  { path, shift, patchSize: p, picture: [channels, height, width], weights }:
    & LayerOptions
    & {
      shift: Shift;
      patchSize: number;
      /** `[C, H, W]`. */
      picture: readonly number[];
    },
): Value {
  const [batch] = x.shape;
  const normed = modulatedNorm(g, x, {
    ...shift,
    path: "norm_out",
    epsilon: 1e-6,
  });
  const patches = linear(g, normed, {
    path,
    width: p * p * channels,
    weights,
  }); // [B, L, p p C]
  const grid = [batch, height / p, width / p, p, p, channels];
  const moved = g.transpose(g.reshape(patches, grid), [0, 5, 1, 3, 2, 4]); // [B, C, H/p, p, W/p, p]
  return g.reshape(moved, [batch, channels, height, width]);
}
