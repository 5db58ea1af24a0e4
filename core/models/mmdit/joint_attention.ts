/**
 * Attention of several streams of tokens to each other (Esser et al., 2024),
 * each with projections of its own, as diffusers names them. Queries and keys may
 * be normalised head by head, and rotated by their positions.
 *
 * Shapes: `B` batch, `L` tokens, `D` width.
 */
import type { GraphBuilder } from "../../onnx/builder.ts";
import type { Value } from "../../onnx/graph.ts";
import {
  type Layer,
  type LayerOptions,
  linear,
  rmsNorm,
} from "../layers/layers.ts";

/** Options that all attention layers of a network share. */
export interface HeadOptions {
  readonly heads: number;
  /** Whether queries and keys have an RMS norm of each head. */
  readonly normsHeads: boolean;
  /** Rotates queries or keys `[B, L, D]`. */
  readonly rotated?: (g: GraphBuilder, x: Value) => Value;
}

/** One stream's queries, keys and values, each `[B, L, D]`. */
export type Projected = readonly [queries: Value, keys: Value, values: Value];

/** Names of the layers that project a stream, and of the norms of its queries and keys. */
interface StreamLayers {
  readonly projections: readonly [string, string, string];
  readonly norms: readonly [string, string];
}

/** Names of the picture's layers, or of a single stream's. */
export const pictureLayers: StreamLayers = {
  projections: ["to_q", "to_k", "to_v"],
  norms: ["norm_q", "norm_k"],
};

/** Names of the layers of the text beside a picture. */
export const textLayers: StreamLayers = {
  projections: ["add_q_proj", "add_k_proj", "add_v_proj"],
  norms: ["norm_added_q", "norm_added_k"],
};

/** Normalises each head of `[B, L, D]`. */
const normedHeads: Layer<LayerOptions & { readonly heads: number }> = (
  g,
  x,
  { heads, ...options },
) => {
  const [batch, length, width] = x.shape;
  const apart = g.reshape(x, [batch, length, heads, width / heads]);
  return g.reshape(rmsNorm(g, apart, { epsilon: 1e-6, ...options }), x.shape);
};

/** Queries, keys and values of a stream in the attention at a module path. */
export function projected(
  g: GraphBuilder,
  x: Value,
  { path, weights, layers: { projections, norms }, heads, normsHeads }:
    & LayerOptions
    & HeadOptions
    & { readonly layers: StreamLayers },
): Projected {
  const width = x.shape[2];
  const [q, k, v] = projections.map((name) =>
    linear(g, x, { path: `${path}.${name}`, width, weights })
  );
  if (!normsHeads) return [q, k, v];
  const [queries, keys] = [q, k].map((each, i) =>
    normedHeads(g, each, { path: `${path}.${norms[i]}`, heads, weights })
  );
  return [queries, keys, v];
}

/** Attention of all tokens to all, in the streams' order: `[B, ΣL, D]`. */
export function attended(
  g: GraphBuilder,
  streams: readonly Projected[],
  { heads, rotated = (_, x) => x }: HeadOptions,
): Value {
  const joined = (i: 0 | 1 | 2) =>
    streams.length === 1
      ? streams[0][i]
      : g.concat(streams.map((each) => each[i]), { axis: 1 });
  const [queries, keys] = [rotated(g, joined(0)), rotated(g, joined(1))];
  return g.multiHeadAttention(queries, keys, joined(2), { heads });
}
