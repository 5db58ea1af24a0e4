/** Attention: four linear layers around the fused operator. */
import type { Value } from "../../onnx/graph.ts";
import { type Layer, type LayerOptions, linear } from "./layers.ts";

/** diffusers' names of the layers for queries, keys, values and the output. */
const diffusersNames = ["to_q", "to_k", "to_v", "to_out.0"];

/** An attention layer, whose linear layers lie below `path`. */
export interface AttentionOptions extends LayerOptions {
  readonly heads: number;
  /** Names of the linear layers, in the order of {@linkcode diffusersNames}, which are the default. */
  readonly names?: readonly string[];
  /** The tensor that keys and values are made of, `[B, S, E]`; the tokens themselves by default. */
  readonly context?: Value;
  /** Whether queries, keys and values have biases; true by default. */
  readonly projectionBias?: boolean;
  /** A bias on the scores, `[B or 1, heads or 1, L, S]`. */
  readonly scoreBias?: Value;
  /** Whether the operator, but not the linear layers, computes in float32 in every precision. */
  readonly single?: boolean;
}

/** Attention of tokens to a context, or to each other: `[B, L, D]` → `[B, L, D]`. */
export const attention: Layer<AttentionOptions> = (
  g,
  x,
  { path, heads, context = x, projectionBias, scoreBias, single, ...options },
) => {
  const { weights, names: [toQ, toK, toV, toOut] = diffusersNames } = options;
  const width = x.shape[2];
  const project = (name: string, from: Value) =>
    linear(g, from, {
      path: `${path}.${name}`,
      width,
      bias: projectionBias,
      weights,
    });
  const q = project(toQ, x);
  const [k, v] = [toK, toV].map((name) => project(name, context));
  const mix = () => g.multiHeadAttention(q, k, v, { heads, bias: scoreBias });
  const mixed = g.scope(path, () => single ? g.inSingle(mix) : mix());
  return linear(g, mixed, { path: `${path}.${toOut}`, width, weights });
};
