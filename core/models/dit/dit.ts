/**
 * Diffusion transformer with adaLN-zero (Peebles and Xie, 2023), as diffusers
 * stores it: `Transformer2DModel` with `norm_type: ada_norm_zero`, or
 * `DiTTransformer2DModel`.
 *
 * Shapes: `B` batch, `C` channels, `H W` picture, `L` tokens,
 * `D = heads x head width`.
 */
import type { GraphBuilder } from "../../onnx/builder.ts";
import type { Value } from "../../onnx/graph.ts";
import type { Block, BlockGraph } from "../block_graph/block_graph.ts";
import { embedding, linear, timestepEmbedding } from "../layers/layers.ts";
import {
  modulatedAttention,
  modulatedFeedForward,
  modulationOf,
  patchPicture,
  patchTokens,
  shiftOf,
} from "../layers/modulated_layers.ts";
import {
  outputBlock,
  residualBlock,
} from "../block_graph/single_output_blocks.ts";
import { type TransformerConfig, widthOf } from "../transformer_config.ts";
import {
  type TransformerUnitOptions,
  transformerUnits,
} from "../block_graph/transformer_units.ts";
import type { WeightSource } from "../block_graph/weights.ts";

/** The part of `transformer/config.json` that the network depends on. */
export interface DitConfig extends TransformerConfig {
  /** Number of classes; the null class of guidance has this index. */
  readonly classes: number;
  /** ε of the norm before the MLP; the others use 1e-6. */
  readonly normEpsilon: number;
}

export interface DitOptions extends TransformerUnitOptions {
  readonly batch: number;
}

/** Everything an emitter needs besides the graph. */
interface Context {
  readonly config: DitConfig;
  readonly weights: WeightSource;
  readonly width: number;
}

const conditions = ["timestep", "class_labels"];

/** SiLU of a block's embedding of timestep and class `[B, D]`. */
function conditioning(
  g: GraphBuilder,
  [t, label]: readonly Value[],
  layer: number,
  { config, weights, width }: Context,
): Value {
  const path = `transformer_blocks.${layer}.norm1.emb`;
  const waves = timestepEmbedding(g, t, { channels: 256, frequencyShift: 1 }); // [B, 256]
  const time = embedding(g, waves, {
    path: `${path}.timestep_embedder`,
    width,
    weights,
  }); // [B, D]
  const key = `${path}.class_embedder.embedding_table.weight`;
  const shape = [config.classes + 1, width];
  const table = g.parameter(key, shape, weights(key, shape));
  return g.silu(g.add(time, g.gather(table, label))); // [B, D]
}

/** A linear layer's `count` modulations `[B, count, D]` out of the conditions. */
function modulations(
  g: GraphBuilder,
  embedded: Value,
  { path, count }: { path: string; count: number },
  { width, weights }: Context,
): Value {
  const chunks = linear(g, embedded, { path, width: count * width, weights });
  return g.reshape(chunks, [embedded.shape[0], count, width]);
}

/** Picture → tokens. */
function patchBlock({ config: { patchSize }, width, weights }: Context): Block {
  return outputBlock(
    "pos_embed",
    { inputs: ["sample"] },
    (g, [sample]) => patchTokens(g, sample, { patchSize, width, weights }),
  );
}

/** A transformer block's modulation `[B, 6, D]`, and the two sublayers that it moves. */
function sublayers(layer: number, stream: string, c: Context): Block[] {
  const { config: { heads, normEpsilon }, weights } = c;
  const block = `transformer_blocks.${layer}`;
  const [norm1, attn1, ff] = ["norm1", "attn1", "ff"].map((name) =>
    `${block}.${name}`
  );
  const path = `${norm1}.linear`;
  return [
    outputBlock(norm1, { inputs: conditions }, (g, values) => {
      const embedded = conditioning(g, values, layer, c);
      return modulations(g, embedded, { path, count: 6 }, c);
    }),
    residualBlock(
      attn1,
      { stream, inputs: [stream, norm1] },
      (g, [x, parts]) =>
        modulatedAttention(g, x, {
          block,
          modulation: modulationOf(g, parts, "attention"),
          epsilon: 1e-6,
          heads,
          weights,
        }),
    ),
    residualBlock(
      ff,
      { stream: attn1, inputs: [attn1, norm1], output: block },
      (g, [x, parts]) =>
        modulatedFeedForward(g, x, {
          block,
          norm: "norm3",
          modulation: modulationOf(g, parts, "feedForward"),
          epsilon: normEpsilon,
          weights,
        }),
    ),
  ];
}

/** Tokens → prediction `[B, C', H, W]`; conditioned through block 0's embedder. */
function predictionBlock(stream: string, c: Context): Block {
  const { patchSize, outChannels, sampleSize } = c.config;
  const tensors = { inputs: [stream, ...conditions], output: "prediction" };
  return outputBlock("proj_out", tensors, (g, [x, ...values]) => {
    const embedded = conditioning(g, values, 0, c);
    const path = "proj_out_1";
    const parts = modulations(g, embedded, { path, count: 2 }, c);
    return patchPicture(g, x, {
      path: "proj_out_2",
      shift: shiftOf(g, parts),
      patchSize,
      picture: [outChannels, sampleSize, sampleSize],
      weights: c.weights,
    });
  });
}

/**
 * The block graph of a DiT. Inputs: `sample` `[B, C, H, W]`, `timestep` `[B]`
 * (float32) and `class_labels` `[B]` (int64); output `prediction` `[B, C', H, W]`.
 */
export function ditBlockGraph(
  config: DitConfig,
  weights: WeightSource,
  { batch, ...units }: DitOptions,
): BlockGraph {
  const c: Context = { config, weights, width: widthOf(config) };
  const blocks: Block[] = [patchBlock(c)];
  let stream = "pos_embed";
  for (let layer = 0; layer < config.layers; layer++) {
    const name = `transformer_blocks.${layer}`;
    blocks.push(...transformerUnits(name, sublayers(layer, stream, c), units));
    stream = name;
  }
  const { inChannels, sampleSize } = config;
  return {
    model: "dit",
    inputs: [
      {
        name: "sample",
        dtype: "float32",
        shape: [batch, inChannels, sampleSize, sampleSize],
      },
      { name: "timestep", dtype: "float32", shape: [batch] },
      { name: "class_labels", dtype: "int64", shape: [batch] },
    ],
    blocks: [...blocks, predictionBlock(stream, c)],
    output: "prediction",
  };
}
