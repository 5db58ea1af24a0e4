/**
 * PixArt-α (Chen et al., 2023) as diffusers stores it: `Transformer2DModel` with
 * `norm_type: ada_norm_single`, or `PixArtTransformer2DModel`. It is a DiT whose
 * blocks also attend to a text, and share one embedding of the timestep, to which
 * each block adds a table of its own (adaLN-single).
 *
 * Shapes: `B` batch, `C` channels, `H W` latents, `L` tokens, `S` text tokens,
 * `D = heads x head width`.
 */
import type { GraphBuilder } from "../../onnx/builder.ts";
import type { Value } from "../../onnx/graph.ts";
import {
  type Block,
  type BlockGraph,
  inputOf,
} from "../block_graph/block_graph.ts";
import {
  outputBlock,
  residualBlock,
} from "../block_graph/single_output_blocks.ts";
import type { TransformerOptions } from "../block_graph/transformer_units.ts";
import type { WeightSource } from "../block_graph/weights.ts";
import { attention } from "../layers/attention.ts";
import { paddingMask } from "../layers/attention_mask.ts";
import {
  embedding,
  type Layer,
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
import type { PixartConfig } from "./pixart_config.ts";

type Context = TransformerContext<PixartConfig>;

/** The most text tokens that PixArt-α was trained with. */
const usualTokens = 120;
const shared = "adaln_single";
const text = "caption_projection";
const hiddenStates = "encoder_hidden_states";
const mask = "encoder_attention_mask";
const timeChannels = 256;

/** Embeds numbers `[B, N]` one by one and joins their embeddings: `[B, N width]`. */
const embeddedNumbers: Layer<{
  path: string;
  width: number;
  weights: WeightSource;
}> = (g, numbers, { path, width, weights }) => {
  const [batch, count] = numbers.shape;
  const waves = timestepEmbedding(g, g.reshape(numbers, [batch * count]), {
    channels: timeChannels,
    frequencyShift: 0,
  });
  const each = embedding(g, waves, { path, width, weights });
  return g.reshape(each, [batch, count * width]);
};

/** Embeds timestep, resolution and aspect ratio as one tensor `[B, D]`. */
function conditioning(
  g: GraphBuilder,
  [timestep, resolution, aspectRatio]: readonly Value[],
  { config, width, weights }: Context,
): Value {
  const embedded = (numbers: Value, name: string, width: number) => {
    const path = `adaln_single.emb.${name}_embedder`;
    return embeddedNumbers(g, numbers, { path, width, weights });
  };
  const t = g.reshape(timestep, [timestep.shape[0], 1]);
  const time = embedded(t, "timestep", width);
  if (!config.microConditions) return time;
  const micro = g.concat([
    embedded(resolution, "resolution", width / 3),
    embedded(aspectRatio, "aspect_ratio", width / 3),
  ], { axis: 1 });
  return g.add(time, micro);
}

/** adaLN-single: the shared part of all modulations, `[B, 6D]`, and the embedding that makes it, `[B, D]`. */
function conditioningBlock(c: Context): Block {
  const { config, width, weights } = c;
  const micro = config.microConditions ? ["resolution", "aspect_ratio"] : [];
  return {
    name: shared,
    gated: false,
    inputs: ["timestep", ...micro],
    outputs: [shared, `${shared}.emb`],
    emit(g, values) {
      const embedded = conditioning(g, values, c);
      const layer = { path: `${shared}.linear`, width: 6 * width, weights };
      return [linear(g, g.silu(embedded), layer), embedded];
    },
  };
}

/** Brings the text to the tokens' width: `[B, S, E]` → `[B, S, D]`. */
function textBlock({ width, weights }: Context): Block {
  return outputBlock(
    { name: text, inputs: [hiddenStates] },
    (g, [x]) =>
      embedding(g, x, {
        path: text,
        width,
        activation: (hidden) => g.gelu(hidden, { approximate: "tanh" }),
        weights,
      }),
  );
}

/** Makes `count` modulations `[B, count, D]`: a shared part `[B, D]` or `[B, count D]` plus the table at `path`. */
const tabled = (
  input: string,
  { path, count }: { path: string; count: number },
  { width, weights }: Context,
) => ({
  inputs: [input],
  modulations(g: GraphBuilder, [all]: readonly Value[]): Value {
    const [batch, size] = all.shape;
    const parts = g.reshape(all, [batch, size / width, width]);
    const key = `${path}scale_shift_table`;
    return g.add(parts, parameter(g, key, [count, width], weights));
  },
});

/** The bias that keeps L tokens from attending to the padding of a mask `[B, S]`: `[B, 1, L, S]`. */
function textMask(g: GraphBuilder, mask: Value, length: number): Value {
  const bias = paddingMask(g, mask, { hidden: -10000 });
  const [batch, , , count] = bias.shape;
  return g.expand(bias, [batch, 1, length, count]);
}

/** The three sublayers of a transformer block. Attention to the text has no norm before it. */
function sublayers(block: string, stream: string, c: Context): Block[] {
  const { config, weights } = c;
  const { heads, normEpsilon: epsilon, projectsText, upcastAttention } = config;
  const context = projectsText ? text : hiddenStates;
  const [attn1, attn2] = [`${block}.attn1`, `${block}.attn2`];
  const conditions = tabled(shared, { path: `${block}.`, count: 6 }, c);
  const options = { block, conditions, epsilon };
  return [
    attentionBlock({ ...options, stream }, c),
    residualBlock({
      name: attn2,
      stream: attn1,
      inputs: [attn1, context, mask],
    }, (g, [x, context, mask]) =>
      attention(g, x, {
        path: attn2,
        context,
        scoreBias: textMask(g, mask, x.shape[1]),
        heads,
        single: upcastAttention,
        weights,
      })),
    feedForwardBlock({ ...options, stream: attn2, norm: "norm2" }, c),
  ];
}

/**
 * The block graph of a PixArt. Inputs: `sample` `[B, C, H, W]`, `timestep` `[B]`,
 * `encoder_hidden_states` `[B, S, E]`, `encoder_attention_mask` `[B, S]` (int64;
 * 1 for a token, 0 for padding) and, if the configuration has
 * micro-conditions, `resolution` `[B, 2]` (height and width in pixels) and
 * `aspect_ratio` `[B, 1]` (height over width); output `prediction` `[B, C', H, W]`.
 *
 * @throws {RangeError} If patches do not tile the latents.
 */
export function pixartBlockGraph(
  config: PixartConfig,
  weights: WeightSource,
  { batch, tokens = usualTokens, latents, ...units }: TransformerOptions,
): BlockGraph {
  const c = transformerContext(config, weights, { model: "PixArt", latents });
  const { height, width } = c.latents;
  const last = tabled(`${shared}.emb`, { path: "", count: 2 }, c);
  const micro = [
    inputOf("resolution", [batch, 2]),
    inputOf("aspect_ratio", [batch, 1]),
  ];
  return {
    model: "pixart",
    inputs: [
      inputOf("sample", [batch, config.inChannels, height, width]),
      inputOf("timestep", [batch]),
      inputOf(hiddenStates, [batch, tokens, config.textWidth]),
      inputOf(mask, [batch, tokens], "int64"),
      ...config.microConditions ? micro : [],
    ],
    blocks: modulatedTransformer(c, {
      conditions: [
        conditioningBlock(c),
        ...config.projectsText ? [textBlock(c)] : [],
      ],
      sublayers: (block, stream) => sublayers(block, stream, c),
      prediction: { ...last, path: "proj_out" },
    }, units),
    output: "prediction",
  };
}
