/**
 * Attention of tokens to a context, or of several streams of tokens to each other
 * (Esser et al., 2024), each with linear layers of its own around the fused
 * operator. Queries and keys may be normalised head by head, and rotated by their
 * positions.
 *
 * Shapes: `B` batch, `L` tokens, `S` tokens of a context, `D` width.
 */
import type { GraphBuilder } from "../../onnx/builder.ts";
import type { Value } from "../../onnx/graph.ts";
import { type Layer, type LayerOptions, linear, rmsNorm } from "./layers.ts";

/** Names of a stream's linear layers, and of the norms of its queries and keys. */
export interface AttentionNames {
  readonly projections: readonly [q: string, k: string, v: string];
  readonly norms: readonly string[];
  readonly output: string;
}

/** Names of a single stream, or of the picture beside a text, in diffusers. */
const usualNames: AttentionNames = {
  projections: ["to_q", "to_k", "to_v"],
  norms: ["norm_q", "norm_k"],
  output: "to_out.0",
};

/** Names of the text beside a picture in diffusers. */
export const textNames: AttentionNames = {
  projections: ["add_q_proj", "add_k_proj", "add_v_proj"],
  norms: ["norm_added_q", "norm_added_k"],
  output: "to_add_out",
};

/** Options that all attention layers of a network share. */
export interface HeadOptions {
  readonly heads: number;
  /** Whether queries and keys have an RMS norm of each head; false by default. */
  readonly normsHeads?: boolean;
  /** Rotates queries or keys `[B, L, D]`. */
  readonly rotated?: (g: GraphBuilder, x: Value) => Value;
}

/** A stream's projections below `path`. */
interface ProjectionOptions extends LayerOptions, HeadOptions {
  /** diffusers' names by default. */
  readonly names?: AttentionNames;
  /** The tensor that keys and values are made of, `[B, S, E]`; the tokens themselves by default. */
  readonly context?: Value;
  /** Whether queries, keys and values have biases; true by default. */
  readonly projectionBias?: boolean;
}

/** An attention layer, whose linear layers lie below `path`. */
export interface AttentionOptions extends ProjectionOptions {
  /** A bias on the scores, `[B or 1, heads or 1, L, S]`. */
  readonly scoreBias?: Value;
  /** Whether the operator, but not the linear layers, computes in float32 in every precision. */
  readonly single?: boolean;
}

/** One stream's queries, keys and values, each `[B, L, D]`. */
type Projected = readonly [queries: Value, keys: Value, values: Value];

/** Queries, keys and values of a stream. */
export function projected(
  g: GraphBuilder,
  x: Value,
  { path, heads, normsHeads, context = x, projectionBias, ...options }:
    ProjectionOptions,
): Projected {
  const { names = usualNames, weights } = options;
  const [batch, length, width] = x.shape;
  const [q, k, v] = names.projections.map((name, i) =>
    linear(g, i === 0 ? x : context, {
      path: `${path}.${name}`,
      width,
      bias: projectionBias,
      weights,
    })
  );
  if (!normsHeads) return [q, k, v];
  const [queries, keys] = [q, k].map((each, i) => {
    const apart = g.reshape(each, [batch, length, heads, width / heads]);
    const norm = { path: `${path}.${names.norms[i]}`, epsilon: 1e-6, weights };
    return g.reshape(rmsNorm(g, apart, norm), x.shape);
  });
  return [queries, keys, v];
}

/** Attention of all tokens to all, in the streams' order: `[B, ΣL, D]`. */
export function attended(
  g: GraphBuilder,
  streams: readonly Projected[],
  { heads, rotated = (_, x) => x, scoreBias }:
    & HeadOptions
    & Pick<AttentionOptions, "scoreBias">,
): Value {
  const joined = (i: 0 | 1 | 2) =>
    streams.length === 1
      ? streams[0][i]
      : g.concat(streams.map((each) => each[i]), { axis: 1 });
  const [queries, keys] = [rotated(g, joined(0)), rotated(g, joined(1))];
  const options = { heads, bias: scoreBias };
  return g.multiHeadAttention(queries, keys, joined(2), options);
}

/** Attention of tokens to a context, or to each other: `[B, L, D]` → `[B, L, D]`. */
export const attention: Layer<AttentionOptions> = (g, x, options) => {
  const { path, names = usualNames, single, weights } = options;
  const own = projected(g, x, options);
  const mix = () => attended(g, [own], options);
  const mixed = g.scope(path, () => single ? g.inSingle(mix) : mix());
  const out = { path: `${path}.${names.output}`, width: x.shape[2], weights };
  return linear(g, mixed, out);
};
