/**
 * PixArt-α (Chen et al., 2023) as diffusers stores it: `Transformer2DModel` with
 * `norm_type: ada_norm_single`, or `PixArtTransformer2DModel`. A DiT whose blocks
 * also attend to a text, and share one embedding of the timestep: each adds a
 * table of its own to it (adaLN-single).
 *
 * Shapes: `B` batch, `C` channels, `H W` latents, `L` tokens, `S` text tokens,
 * `D = heads x head width`.
 */
import type { GraphBuilder } from "../../onnx/builder.ts";
import type { Value } from "../../onnx/graph.ts";
import { attention } from "../layers/attention.ts";
import { paddingMask } from "../layers/attention_mask.ts";
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
import type { PixartConfig } from "./pixart_config.ts";
import {
  outputBlock,
  residualBlock,
} from "../block_graph/single_output_blocks.ts";
import { widthOf } from "../transformer_config.ts";
import {
  type TransformerUnitOptions,
  transformerUnits,
} from "../block_graph/transformer_units.ts";
import type { WeightSource } from "../block_graph/weights.ts";

/** Height and width of latents. */
export interface LatentSize {
  readonly height: number;
  readonly width: number;
}

export interface PixartOptions extends TransformerUnitOptions {
  readonly batch: number;
  /** Text tokens S; 120, the most that PixArt-α was trained with, by default. */
  readonly tokens?: number;
  /** The configuration's `sample_size` in both directions by default. */
  readonly latents?: LatentSize;
}

/** Everything an emitter needs besides the graph. */
interface Context {
  readonly config: PixartConfig;
  readonly weights: WeightSource;
  readonly width: number;
  readonly latents: LatentSize;
}

const text = "caption_projection";
const mask = "encoder_attention_mask";
const timeChannels = 256;

/** Latents → tokens. Positions span the same range whatever the aspect ratio. */
function patchBlock({ config, width, latents, weights }: Context): Block {
  const { patchSize, sampleSize, interpolationScale } = config;
  const step = (size: number) => sampleSize / size / interpolationScale;
  const steps = {
    rowStep: step(latents.height),
    columnStep: step(latents.width),
  };
  return outputBlock(
    "pos_embed",
    { inputs: ["sample"] },
    (g, [sample]) =>
      patchTokens(g, sample, { patchSize, width, steps, weights }),
  );
}

/** Numbers `[B, N]`, each embedded alone, side by side: `[B, N width]`. */
function embeddedNumbers(
  g: GraphBuilder,
  numbers: Value,
  { path, width, weights }: {
    path: string;
    width: number;
    weights: WeightSource;
  },
): Value {
  const [batch, count] = numbers.shape;
  const waves = timestepEmbedding(g, g.reshape(numbers, [batch * count]), {
    channels: timeChannels,
    frequencyShift: 0,
  });
  const each = embedding(g, waves, { path, width, weights });
  return g.reshape(each, [batch, count * width]);
}

/** Timestep, resolution and aspect ratio as one embedding `[B, D]`. */
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

/** adaLN-single: what all blocks' modulations start from, `[B, 6D]`, and the embedding it is made of, `[B, D]`. */
function conditioningBlock(c: Context): Block {
  const { config, width, weights } = c;
  const name = "adaln_single";
  const micro = config.microConditions ? ["resolution", "aspect_ratio"] : [];
  return {
    name,
    gated: false,
    inputs: ["timestep", ...micro],
    outputs: [name, `${name}.emb`],
    emit(g, values) {
      const embedded = conditioning(g, values, c);
      const path = `${name}.linear`;
      const layer = { path, width: 6 * width, weights };
      return [linear(g, g.silu(embedded), layer), embedded];
    },
  };
}

/** The text in the width of the tokens: `[B, S, E]` → `[B, S, D]`. */
function textBlock({ width, weights }: Context): Block {
  return outputBlock(
    text,
    { inputs: ["encoder_hidden_states"] },
    (g, [x]) =>
      embedding(g, x, {
        path: text,
        width,
        activation: (hidden) => g.gelu(hidden, { approximate: "tanh" }),
        weights,
      }),
  );
}

/** `count` modulations `[B, count, D]`: a shared part `[B, 1 or count, D]` and a table of one's own. */
function modulations(
  g: GraphBuilder,
  shared: Value,
  { path, count }: { path: string; count: number },
  { width, weights }: Context,
): Value {
  const key = `${path}scale_shift_table`;
  const table = g.parameter(key, [count, width], weights(key, [count, width]));
  return g.add(shared, table);
}

/** The bias that keeps L tokens from seeing padding `[B, S]`: `[B, 1, L, S]`. */
function textMask(g: GraphBuilder, mask: Value, length: number): Value {
  const bias = paddingMask(g, mask, { hidden: -10000 });
  const [batch, , , count] = bias.shape;
  return g.expand(bias, [batch, 1, length, count]);
}

/** The three sublayers of a transformer block. Attention to the text has no norm before it. */
function sublayers(layer: number, stream: string, c: Context): Block[] {
  const { config: { heads, normEpsilon: epsilon }, width, weights } = c;
  const block = `transformer_blocks.${layer}`;
  const [attn1, attn2] = [`${block}.attn1`, `${block}.attn2`];
  const shared = "adaln_single";
  const modulation = (
    g: GraphBuilder,
    value: Value,
    sublayer: Parameters<typeof modulationOf>[2],
  ) => {
    const six = g.reshape(value, [value.shape[0], 6, width]);
    const own = modulations(g, six, { path: `${block}.`, count: 6 }, c);
    return modulationOf(g, own, sublayer);
  };
  return [
    residualBlock(
      attn1,
      { stream, inputs: [stream, shared] },
      (g, [x, value]) =>
        modulatedAttention(g, x, {
          block,
          modulation: modulation(g, value, "attention"),
          epsilon,
          heads,
          weights,
        }),
    ),
    residualBlock(
      attn2,
      { stream: attn1, inputs: [attn1, text, mask] },
      (g, [x, context, mask]) =>
        attention(g, x, {
          path: attn2,
          context,
          scoreBias: textMask(g, mask, x.shape[1]),
          heads,
          weights,
        }),
    ),
    residualBlock(
      `${block}.ff`,
      { stream: attn2, inputs: [attn2, shared], output: block },
      (g, [x, value]) =>
        modulatedFeedForward(g, x, {
          block,
          norm: "norm2",
          modulation: modulation(g, value, "feedForward"),
          epsilon,
          weights,
        }),
    ),
  ];
}

/** Tokens → prediction `[B, C', H, W]`. */
function predictionBlock(stream: string, c: Context): Block {
  const { config, width, latents, weights } = c;
  const tensors = {
    inputs: [stream, "adaln_single.emb"],
    output: "prediction",
  };
  return outputBlock("proj_out", tensors, (g, [x, embedded]) => {
    const one = g.reshape(embedded, [embedded.shape[0], 1, width]);
    const parts = modulations(g, one, { path: "", count: 2 }, c);
    return patchPicture(g, x, {
      path: "proj_out",
      shift: shiftOf(g, parts),
      patchSize: config.patchSize,
      picture: [config.outChannels, latents.height, latents.width],
      weights,
    });
  });
}

function inputsOf(
  { config, latents: { height, width } }: Context,
  { batch, tokens }: { batch: number; tokens: number },
): Value[] {
  const float = (name: string, ...shape: number[]): Value => ({
    name,
    dtype: "float32",
    shape: [batch, ...shape],
  });
  return [
    float("sample", config.inChannels, height, width),
    float("timestep"),
    float("encoder_hidden_states", tokens, config.textWidth),
    { name: mask, dtype: "int64", shape: [batch, tokens] },
    ...(config.microConditions
      ? [float("resolution", 2), float("aspect_ratio", 1)]
      : []),
  ];
}

function checkLatents(
  { height, width }: LatentSize,
  { patchSize }: PixartConfig,
): void {
  if (height % patchSize === 0 && width % patchSize === 0) return;
  throw new RangeError(
    `Cannot build a PixArt: latents are ${height}x${width}, expected multiples of the patch size ${patchSize}`,
  );
}

/**
 * The block graph of a PixArt. Inputs: `sample` `[B, C, H, W]`, `timestep` `[B]`,
 * `encoder_hidden_states` `[B, S, E]`, `encoder_attention_mask` `[B, S]` (int64;
 * 1 for a token, 0 for padding) and, where the configuration has
 * micro-conditions, `resolution` `[B, 2]` (height and width in pixels) and
 * `aspect_ratio` `[B, 1]` (height over width); output `prediction` `[B, C', H, W]`.
 *
 * @throws {RangeError} If patches do not tile the latents.
 */
export function pixartBlockGraph(
  config: PixartConfig,
  weights: WeightSource,
  { batch, tokens = 120, latents, ...units }: PixartOptions,
): BlockGraph {
  const { sampleSize } = config;
  const c: Context = {
    config,
    weights,
    width: widthOf(config),
    latents: latents ?? { height: sampleSize, width: sampleSize },
  };
  checkLatents(c.latents, config);
  const blocks = [patchBlock(c), conditioningBlock(c), textBlock(c)];
  let stream = "pos_embed";
  for (let layer = 0; layer < config.layers; layer++) {
    const name = `transformer_blocks.${layer}`;
    blocks.push(...transformerUnits(name, sublayers(layer, stream, c), units));
    stream = name;
  }
  return {
    model: "pixart",
    inputs: inputsOf(c, { batch, tokens }),
    blocks: [...blocks, predictionBlock(stream, c)],
    output: "prediction",
  };
}
