/**
 * Diffusion transformer with adaLN-zero (Peebles and Xie, 2023), as diffusers
 * stores it: `Transformer2DModel` with `norm_type: ada_norm_zero`, or
 * `DiTTransformer2DModel`. Each block has its own embedding of timestep and class.
 *
 * Shapes: `B` batch, `C` channels, `H W` latents, `D = heads x head width`.
 */
import type { GraphBuilder } from "../../onnx/builder.ts";
import type { Value } from "../../onnx/graph.ts";
import {
  type Block,
  type BlockGraph,
  inputOf,
} from "../block_graph/block_graph.ts";
import { outputBlock } from "../block_graph/single_output_blocks.ts";
import type { TransformerOptions } from "../block_graph/transformer_units.ts";
import type { WeightSource } from "../block_graph/weights.ts";
import {
  embedding,
  linear,
  parameter,
  timestepEmbedding,
} from "../layers/layers.ts";
import {
  attentionBlock,
  feedForwardBlock,
  modulatedTransformer,
  type TransformerContext,
  transformerContext,
} from "../layers/modulated_transformer.ts";
import type { DitConfig } from "./dit_config.ts";

type Context = TransformerContext<DitConfig>;

const conditions = ["timestep", "class_labels"];

/** Makes `count` modulations `[B, count, D]` by the linear layer `path` from the conditions that block `layer` embeds. */
function modulations(
  g: GraphBuilder,
  [t, label]: readonly Value[],
  { path, count, layer }: { path: string; count: number; layer: string },
  { config, weights, width }: Context,
): Value {
  const from = `${layer}.norm1.emb`;
  const waves = timestepEmbedding(g, t, { channels: 256, frequencyShift: 1 }); // [B, 256]
  const timePath = `${from}.timestep_embedder`;
  const time = embedding(g, waves, { path: timePath, width, weights }); // [B, D]
  const key = `${from}.class_embedder.embedding_table.weight`;
  const table = parameter(g, key, [config.classes + 1, width], weights);
  const embedded = g.silu(g.add(time, g.gather(table, label))); // [B, D]
  const chunks = linear(g, embedded, { path, width: count * width, weights });
  return g.reshape(chunks, [embedded.shape[0], count, width]);
}

/** A transformer block's modulations `[B, 6, D]`, and the two sublayers that they move. */
function sublayers(block: string, stream: string, c: Context): Block[] {
  const norm1 = `${block}.norm1`;
  const six = { path: `${norm1}.linear`, count: 6, layer: block };
  const made = {
    inputs: [norm1],
    modulations: (_: GraphBuilder, [parts]: readonly Value[]) => parts,
  };
  const options = { block, conditions: made };
  return [
    outputBlock(
      { name: norm1, inputs: conditions },
      (g, values) => modulations(g, values, six, c),
    ),
    attentionBlock({ ...options, stream, epsilon: 1e-6 }, c),
    feedForwardBlock({
      ...options,
      stream: `${block}.attn1`,
      epsilon: c.config.normEpsilon,
      norm: "norm3",
    }, c),
  ];
}

/**
 * The block graph of a DiT. Inputs: `sample` `[B, C, H, W]`, `timestep` `[B]`
 * (float32) and `class_labels` `[B]` (int64); output `prediction` `[B, C', H, W]`,
 * conditioned through block 0's embedder.
 *
 * @throws {RangeError} If patches do not tile the latents.
 */
export function ditBlockGraph(
  config: DitConfig,
  weights: WeightSource,
  { batch, latents, ...units }: TransformerOptions,
): BlockGraph {
  const c = transformerContext(config, weights, { model: "DiT", latents });
  const layer = "transformer_blocks.0";
  const two = { path: "proj_out_1", count: 2, layer };
  const blocks = modulatedTransformer(c, {
    sublayers: (block, stream) => sublayers(block, stream, c),
    prediction: {
      inputs: conditions,
      modulations: (g, values) => modulations(g, values, two, c),
      path: "proj_out_2",
    },
  }, units);
  const { height, width } = c.latents;
  return {
    model: "dit",
    inputs: [
      inputOf("sample", [batch, config.inChannels, height, width]),
      inputOf("timestep", [batch]),
      inputOf("class_labels", [batch], "int64"),
    ],
    blocks,
    output: "prediction",
  };
}
