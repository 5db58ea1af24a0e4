/**
 * CLIP's two towers (Radford et al., 2021) as transformers stores them: pre-norm
 * transformers over the tokens of a text, with causal attention, and over the
 * patches of a picture.
 *
 * Shapes: `B` batch, `L` tokens, `D` width, `P` width of the shared space.
 */
import { GraphBuilder } from "../../onnx/builder.ts";
import type { Graph, Value } from "../../onnx/graph.ts";
import { float32 } from "../../tensor/tensor.ts";
import { attention, type AttentionNames } from "../layers/attention.ts";
import { causalMask } from "../layers/attention_mask.ts";
import type {
  ClipEncoderConfig,
  ClipTextConfig,
  ClipVisionConfig,
} from "./clip_config.ts";
import {
  affineLayerNorm,
  type Layer,
  type LayerOptions,
  linear,
  parameter,
  patchEmbedding,
} from "../layers/layers.ts";
import type { WeightSource } from "../block_graph/weights.ts";

/** The features of a text or picture. */
export interface ClipFeatures {
  /** The embeddings, then each layer's output, `[B, L, D]`; the last but one conditions some diffusion models. */
  readonly hidden: readonly Value[];
  /** The last layer's output, `[B, L, D]`; normalised in the text tower only. */
  readonly last: Value;
  /** The feature of the whole text or picture, `[B, D]`. */
  readonly pooled: Value;
  /** `pooled` in the shared space, `[B, P]`, not normalised; null in a tower without a projection. */
  readonly projected: Value | null;
  /** Applies the norm of `last` to a value of `hidden`; in the text tower only. */
  readonly normed?: (hidden: Value) => Value;
}

interface LayerContext extends LayerOptions {
  readonly config: ClipEncoderConfig;
  /** A bias on the scores of attention, `[1, 1, L, L]`. */
  readonly mask?: Value;
}

/** transformers' names of the attention's linear layers. */
const names: AttentionNames = {
  projections: ["q_proj", "k_proj", "v_proj"],
  norms: [],
  output: "out_proj",
};

const feedForward: Layer<LayerContext> = (g, x, { path, config, weights }) => {
  const { width, inner, activation } = config;
  const up = linear(g, x, { path: `${path}.fc1`, width: inner, weights });
  const hidden = activation === "gelu" ? g.gelu(up) : g.quickGelu(up);
  return linear(g, hidden, { path: `${path}.fc2`, width, weights });
};

/** One transformer layer, `[B, L, D]` → `[B, L, D]`. */
const encoderLayer: Layer<LayerContext> = (g, x, c) => {
  const { path, config: { epsilon, heads }, weights, mask: scoreBias } = c;
  const norm = (from: Value, i: 1 | 2) =>
    affineLayerNorm(g, from, {
      path: `${path}.layer_norm${i}`,
      epsilon,
      weights,
    });
  const own = { path: `${path}.self_attn`, names, heads, scoreBias, weights };
  const middle = g.add(x, attention(g, norm(x, 1), own));
  const reading = { ...c, path: `${path}.mlp` };
  return g.add(middle, feedForward(g, norm(middle, 2), reading));
};

/** The embeddings and the output of every layer. */
function encoder(g: GraphBuilder, embeddings: Value, c: LayerContext): Value[] {
  const hidden = [embeddings];
  for (let i = 0; i < c.config.layers; i++) {
    const path = `${c.path}.layers.${i}`;
    hidden.push(encoderLayer(g, hidden[i], { ...c, path }));
  }
  return hidden;
}

/**
 * A one at the end of each text, among zeros, `[B, L, 1]`: at its first end token
 * or, if `endToken` is null, at the first of its highest ids. A text without an
 * end token ends at its first token, as in transformers.
 */
function endOfText(
  g: GraphBuilder,
  ids: Value,
  endToken: number | null,
): Value {
  const [batch, length] = ids.shape;
  const tokens = g.cast(ids, "float32");
  const sought = endToken === null
    ? g.reduceMax(tokens, { axes: [1] })
    : g.scalar(endToken);
  const matches = g.cast(g.equal(tokens, sought), "float32");
  const descending = Float32Array.from({ length }, (_, i) => length - i);
  const ranks = g.mul(matches, g.constant(float32([1, length], descending)));
  const otherwise = Float32Array.from({ length }, (_, i) => i === 0 ? 0.5 : 0);
  const ranked = g.add(ranks, g.constant(float32([1, length], otherwise)));
  const first = g.equal(ranked, g.reduceMax(ranked, { axes: [1] }));
  return g.reshape(g.cast(first, "float32"), [batch, length, 1]);
}

/** Projects without bias; null if the tower has no projection. */
function projected(
  g: GraphBuilder,
  pooled: Value,
  { path, config: { projection }, weights }: LayerContext,
): Value | null {
  if (projection === null) return null;
  return linear(g, pooled, { path, width: projection, weights, bias: false });
}

/**
 * Emits the text tower.
 *
 * @param ids Token ids `[B, L]` (int64).
 * @throws {RangeError} If the texts are longer than the tower's positions.
 */
export function clipText(
  g: GraphBuilder,
  ids: Value,
  { config, weights }: { config: ClipTextConfig; weights: WeightSource },
): ClipFeatures {
  const [batch, length] = ids.shape;
  const { width, positions, vocabulary, endToken, epsilon } = config;
  if (length > positions) {
    throw new RangeError(
      `Cannot build a CLIP text tower: ${length} tokens, expected at most ${positions}`,
    );
  }
  const path = "text_model.encoder";
  const c = { path, config, weights, mask: causalMask(g, length) };
  const table = (name: string, rows: number) => {
    const key = `text_model.embeddings.${name}.weight`;
    return parameter(g, key, [rows, width], weights);
  };
  const tokens = g.gather(table("token_embedding", vocabulary), ids);
  const all = table("position_embedding", positions);
  const places = g.slice(all, { axes: [0], starts: [0], ends: [length] });
  const hidden = encoder(g, g.add(tokens, places), c);
  const norm = { path: "text_model.final_layer_norm", epsilon, weights };
  const normed = (x: Value) => affineLayerNorm(g, x, norm);
  const last = normed(hidden[config.layers]);
  const end = endOfText(g, ids, endToken);
  const sum = g.reduceSum(g.mul(last, end), { axes: [1] });
  const pooled = g.reshape(sum, [batch, width]);
  const projection = { path: "text_projection", config, weights };
  const shared = projected(g, pooled, projection);
  return { hidden, last, pooled, normed, projected: shared };
}

/** The class token, then the patches as tokens, with positions: `[B, 1 + (H/p)², D]`. */
function patchTokens(
  g: GraphBuilder,
  pixels: Value,
  { config, weights }: { config: ClipVisionConfig; weights: WeightSource },
): Value {
  const { width, patchSize } = config;
  const path = "vision_model.embeddings";
  const own = (name: string, shape: readonly number[]) =>
    parameter(g, `${path}.${name}`, shape, weights);
  const layer = { path: `${path}.patch_embedding`, width, bias: false };
  const patches = patchEmbedding(g, pixels, { ...layer, patchSize, weights });
  const [batch, count] = patches.shape;
  const token = g.reshape(own("class_embedding", [width]), [1, 1, width]);
  const tokens = g.expand(token, [batch, 1, width]);
  const all = g.concat([tokens, patches], { axis: 1 });
  return g.add(all, own("position_embedding.weight", [count + 1, width]));
}

/**
 * Emits the picture tower.
 *
 * @param pixels Normalised pictures `[B, C, H, W]`, H = W = `imageSize`.
 */
export function clipVision(
  g: GraphBuilder,
  pixels: Value,
  { config, weights }: { config: ClipVisionConfig; weights: WeightSource },
): ClipFeatures {
  const { epsilon } = config;
  const norm = (x: Value, name: string) =>
    affineLayerNorm(g, x, { path: `vision_model.${name}`, epsilon, weights });
  const tokens = patchTokens(g, pixels, { config, weights });
  const embeddings = norm(tokens, "pre_layrnorm"); // sic
  const path = "vision_model.encoder";
  const hidden = encoder(g, embeddings, { path, config, weights });
  const last = hidden[config.layers];
  const first = g.slice(last, { axes: [1], starts: [0], ends: [1] });
  const flat = g.reshape(first, [pixels.shape[0], config.width]);
  const pooled = norm(flat, "post_layernorm");
  const projection = { path: "visual_projection", config, weights };
  const shared = projected(g, pooled, projection);
  return { hidden, last, pooled, projected: shared };
}

/** A tower's outputs by name; `hidden_states.<i>` counts from the end if i is negative. */
function namedOutputs(features: ClipFeatures): Map<string, Value> {
  const { hidden, last, pooled, projected } = features;
  return new Map([
    ...hidden.flatMap((value, i) =>
      [i, i - hidden.length]
        .map((place) => [`hidden_states.${place}`, value] as const)
    ),
    ["last_hidden_state", last],
    ["pooler_output", pooled],
    ...(projected ? [["embeds", projected] as const] : []),
  ]);
}

/** A graph of named outputs; `normed.<i>` is `hidden_states.<i>` after the text tower's last norm. */
function graphWith(
  g: GraphBuilder,
  features: ClipFeatures,
  outputs: readonly string[],
): Graph {
  const known = namedOutputs(features);
  const chosen = outputs.map((name): [string, Value] => {
    const hidden = known.get(name.replace(/^normed\./, "hidden_states."));
    const value = name.startsWith("normed.") && hidden
      ? features.normed?.(hidden)
      : hidden;
    if (value) return [name, value];
    throw new RangeError(
      `Cannot build ${g.name}: it has no output "${name}", expected one of ${
        [...known.keys()].join(", ")
      }`,
    );
  });
  return g.build(Object.fromEntries(chosen));
}

/** The text tower as a graph: `input_ids` `[B, L]` → named features. @throws {RangeError} If one is unknown. */
export function clipTextGraph(
  config: ClipTextConfig,
  weights: WeightSource,
  { batch, tokens = config.positions, outputs }: {
    batch: number;
    tokens?: number;
    outputs: readonly string[];
  },
): Graph {
  const g = new GraphBuilder("clip text tower");
  const ids = g.input("input_ids", "int64", [batch, tokens]);
  return graphWith(g, clipText(g, ids, { config, weights }), outputs);
}

/** The picture tower as a graph: `pixel_values` `[B, C, H, W]` → named features. @throws {RangeError} If one is unknown. */
export function clipVisionGraph(
  config: ClipVisionConfig,
  weights: WeightSource,
  { batch, outputs }: { batch: number; outputs: readonly string[] },
): Graph {
  const g = new GraphBuilder("clip picture tower");
  const { channels, imageSize } = config;
  const shape = [batch, channels, imageSize, imageSize];
  const pixels = g.input("pixel_values", "float32", shape);
  return graphWith(g, clipVision(g, pixels, { config, weights }), outputs);
}
