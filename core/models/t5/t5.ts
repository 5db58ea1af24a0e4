/**
 * T5's encoder (Raffel et al., 2020) in version 1.1, with the gated feed-forward
 * layer of Shazeer (2020), as transformers stores it: pre-norm layers without a
 * bias anywhere. Positions enter only through a bias on the scores of attention,
 * learned for each bucket of distances and shared by all layers; the scores are
 * not divided by √d.
 *
 * Shapes: `B` batch, `L` tokens, `D` width.
 */
import { GraphBuilder } from "../../onnx/builder.ts";
import type { Graph, Value } from "../../onnx/graph.ts";
import { paddingMask } from "../layers/attention_mask.ts";
import {
  type Layer,
  linear,
  type LinearOptions,
  parameter,
  rmsNorm,
} from "../layers/layers.ts";
import { relativePositionBuckets } from "./relative_positions.ts";
import type { T5EncoderConfig } from "./t5_config.ts";
import type { WeightSource } from "../block_graph/weights.ts";

interface EncoderOptions {
  readonly config: T5EncoderConfig;
  readonly weights: WeightSource;
}

interface LayerContext extends EncoderOptions {
  readonly path: string;
  /** A bias on the scores of attention, `[B, heads, L, L]`. */
  readonly bias: Value;
}

const unbiased: Layer<LinearOptions> = (g, x, options) =>
  linear(g, x, { ...options, bias: false });

const attention: Layer<LayerContext> = (
  g,
  x,
  { path, config, weights, bias },
) => {
  const { width, heads, headWidth } = config;
  const project = (name: string, from: Value, to: number) =>
    unbiased(g, from, { path: `${path}.${name}`, width: to, weights });
  const [q, k, v] = ["q", "k", "v"].map((name) =>
    project(name, x, heads * headWidth)
  );
  const mixed = g.scope(
    path,
    () => g.multiHeadAttention(q, k, v, { heads, bias, scale: 1 }),
  );
  return project("o", mixed, width);
};

/** Computes (GELU(x W₀) ⊙ x W₁) Wₒ with the tanh GELU. Product and output exceed float16 and stay in float32. */
const feedForward: Layer<LayerContext> = (g, x, { path, config, weights }) => {
  const { width, inner } = config;
  const project = (name: string, from: Value, to: number) =>
    unbiased(g, from, { path: `${path}.${name}`, width: to, weights });
  const gate = g.gelu(project("wi_0", x, inner), { approximate: "tanh" });
  const up = project("wi_1", x, inner);
  return g.inSingle(() => project("wo", g.mul(gate, up), width));
};

/** One transformer layer, `[B, L, D]` → `[B, L, D]`. */
const encoderLayer: Layer<LayerContext> = (g, x, c) => {
  const { path, config: { epsilon }, weights } = c;
  const norm = (from: Value, i: 0 | 1) => {
    const own = `${path}.layer.${i}.layer_norm`;
    return rmsNorm(g, from, { path: own, epsilon, weights });
  };
  const looking = { ...c, path: `${path}.layer.0.SelfAttention` };
  const reading = { ...c, path: `${path}.layer.1.DenseReluDense` }; // the name for every activation
  const added = (to: Value, update: Value) =>
    g.inSingle(() => g.add(to, update));
  const middle = added(x, attention(g, norm(x, 0), looking));
  return added(middle, feedForward(g, norm(middle, 1), reading));
};

/** The bias of each head for each query and key, `[1, heads, L, L]`; its table is stored with the first layer. */
function positionBias(
  g: GraphBuilder,
  length: number,
  { config: { heads, buckets }, weights }: EncoderOptions,
): Value {
  const key =
    "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight";
  const shape = [buckets.count, heads];
  const table = parameter(g, key, shape, weights);
  const indices = g.constant(relativePositionBuckets(length, buckets));
  const perPair = g.gather(table, indices); // [L, L, heads]
  return g.reshape(g.transpose(perPair, [2, 0, 1]), [1, heads, length, length]);
}

/**
 * The encoder as a graph. Inputs: `input_ids` and `attention_mask` (1 for a
 * token, 0 for padding) `[B, L]` (int64); output `last_hidden_state` `[B, L, D]`,
 * in which the features of padding mean nothing.
 */
export function t5EncoderGraph(
  config: T5EncoderConfig,
  weights: WeightSource,
  { batch, tokens }: { batch: number; tokens: number },
): Graph {
  const g = new GraphBuilder("T5 encoder");
  const ids = g.input("input_ids", "int64", [batch, tokens]);
  const mask = g.input("attention_mask", "int64", [batch, tokens]);
  const shape = [config.vocabulary, config.width];
  const table = parameter(g, "shared.weight", shape, weights);
  const options = { config, weights };
  const positions = positionBias(g, tokens, options);
  const c = { ...options, bias: g.add(positions, paddingMask(g, mask)) };
  let x = g.gather(table, ids);
  for (let i = 0; i < config.layers; i++) {
    x = encoderLayer(g, x, { ...c, path: `encoder.block.${i}` });
  }
  const { epsilon } = config;
  const last = { path: "encoder.final_layer_norm", epsilon, weights };
  return g.build({ last_hidden_state: rmsNorm(g, x, last) });
}
