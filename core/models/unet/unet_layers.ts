/**
 * The smallest blocks of a UNet, made from its configuration: each names the
 * tensors that it reads and the tensor that it makes, as diffusers names its modules.
 *
 * Shapes: `B` batch, `C` channels, `H W` space, `S` text tokens, `E` width of
 * the embedding of timestep (and added conditions).
 */
import type { GraphBuilder } from "../../onnx/builder.ts";
import type { Value } from "../../onnx/graph.ts";
import type { Block, LatentSize } from "../block_graph/block_graph.ts";
import {
  convolution,
  embedding,
  groupNorm,
  type LayerOptions,
  linear,
  timestepEmbedding,
} from "../layers/layers.ts";
import {
  type downsample,
  resnetBranch,
  resnetShortcut,
  type upsample,
} from "./resnet.ts";
import {
  outputBlock,
  residualBlock,
} from "../block_graph/single_output_blocks.ts";
import {
  attentionLayer,
  feedForward,
  projectIn,
  projectOut,
} from "./spatial_transformer.ts";
import type { AddedConditions, UnetConfig } from "./unet_config.ts";
import type { UnetStage } from "./unet_stages.ts";
import type { WeightSource } from "../block_graph/weights.ts";

/** The values that all layers are made from. */
export interface Context {
  readonly config: UnetConfig;
  readonly weights: WeightSource;
  readonly latents: LatentSize;
}

/** A feature map between layers. */
export interface Feature {
  readonly name: string;
  readonly channels: number;
  readonly size: LatentSize;
}

/** Layers that together make one feature map. */
export interface Made {
  readonly layers: readonly Block[];
  readonly output: Feature;
}

/** Turns latents `[B, C, H, W]`, joined with `masked_latents` for inpainting, into the first feature map. */
export function inputLayer({ config, weights }: Context): Block {
  const { channels } = config.down[0];
  const options = { path: "conv_in", channels, kernel: 3, weights };
  const inputs = ["sample", ...config.inpaints ? ["masked_latents"] : []];
  return outputBlock({ name: "conv_in", inputs }, (g, maps) => {
    const x = maps.length === 1 ? maps[0] : g.concat(maps, { axis: 1 });
    return convolution(g, x, options);
  });
}

/** Joins pooled text `[B, P]` and the sinusoids of `time_ids` `[B, N]`, Q channels each: `[B, P + N Q]`. */
function joinedConditions(
  g: GraphBuilder,
  [text, ids]: readonly Value[],
  { timeChannels: channels }: AddedConditions,
): Value {
  const [batch, count] = ids.shape;
  const numbers = g.reshape(ids, [batch * count]);
  const waves = timestepEmbedding(g, numbers, { channels, frequencyShift: 0 });
  const joined = g.reshape(waves, [batch, count * channels]);
  return g.concat([text, joined], { axis: 1 });
}

/** The sinusoids of timesteps `[B]`, plus a latent consistency model's projected guidance embedding `[B, G]`. */
function timeWaves(
  g: GraphBuilder,
  { timestep, guidance }: { timestep: Value; guidance?: Value },
  { path, channels, weights }: LayerOptions & { channels: number },
): Value {
  const waves = timestepEmbedding(g, timestep, { channels, frequencyShift: 0 });
  if (!guidance) return waves;
  const projection = { path: `${path}.cond_proj`, width: channels, weights };
  return g.add(waves, linear(g, guidance, { ...projection, bias: false }));
}

/** Embeds timesteps `[B]` and all other conditions of the whole network as one tensor `[B, E]`. */
export function embeddingLayer(c: Context): Block {
  const { added, guidanceChannels, down: [{ channels }] } = c.config;
  const { weights } = c;
  const path = "time_embedding";
  const layers = { width: 4 * channels, weights };
  const conditions = added ? ["text_embeds", "time_ids"] : [];
  const guidance = guidanceChannels ? ["timestep_cond"] : [];
  return outputBlock({
    name: path,
    inputs: ["timestep", ...conditions, ...guidance],
  }, (g, [timestep, ...values]) => {
    const scale = guidanceChannels ? values.at(-1) : undefined;
    const from = { timestep, guidance: scale };
    const waves = timeWaves(g, from, { path, channels, weights });
    const time = embedding(g, waves, { path, ...layers });
    if (!added) return time;
    const joined = joinedConditions(g, values, added);
    const extra = embedding(g, joined, { path: "add_embedding", ...layers });
    return g.add(time, extra);
  });
}

/**
 * The layers of a resnet on joined feature maps. If their channels are not as many
 * as the resnet's, a shortcut makes the stream that the resnet adds to.
 */
function resnetLayers(
  path: string,
  { features, channels }: { features: readonly Feature[]; channels: number },
  { config, weights }: Context,
): Made {
  const layers: Block[] = [];
  const names = features.map(({ name }) => name);
  const joined = names.length === 1 ? names[0] : `${path}.concat`;
  if (names.length > 1) {
    const join = { name: joined, inputs: names };
    layers.push(outputBlock(join, (g, maps) => g.concat(maps, { axis: 1 })));
  }
  const width = features.reduce((sum, { channels }) => sum + channels, 0);
  const stream = width === channels ? joined : `${path}.conv_shortcut`;
  const { normGroups: groups, normEpsilon: epsilon } = config;
  const options = { path, channels, groups, epsilon, weights };
  if (stream !== joined) {
    const shortcut = { name: stream, inputs: [joined] };
    layers.push(
      outputBlock(shortcut, (g, [x]) => resnetShortcut(g, x, options)),
    );
  }
  const resnet = { name: path, stream, inputs: [joined, "time_embedding"] };
  layers.push(
    residualBlock(
      resnet,
      (g, [x, embedding]) => resnetBranch(g, x, { ...options, embedding }),
    ),
  );
  return { layers, output: { name: path, channels, size: features[0].size } };
}

/** The three layers of one transformer block, on the token stream. */
function transformerBlock(
  block: string,
  { stream, heads }: { stream: string; heads: number },
  { config: { upcastAttention: single }, weights }: Context,
): Block[] {
  const options = { path: block, heads, single, weights };
  const [attn1, attn2, ff] = ["attn1", "attn2", "ff"]
    .map((name) => `${block}.${name}`);
  const inputs = [attn1, "encoder_hidden_states"];
  return [
    residualBlock(
      { name: attn1, stream },
      (g, [x]) => attentionLayer(g, x, { ...options, i: 1 }),
    ),
    residualBlock(
      { name: attn2, stream: attn1, inputs },
      (g, [x, t]) => attentionLayer(g, x, { ...options, i: 2, context: t }),
    ),
    residualBlock(
      { name: ff, stream: attn2 },
      (g, [x]) => feedForward(g, x, options),
    ),
  ];
}

/** A transformer of `depth` blocks on a feature map; its projections in and out are not gated. */
function transformerLayers(
  path: string,
  { feature, depth, heads }: { feature: Feature; depth: number; heads: number },
  c: Context,
): Made {
  const { normGroups: groups, linearProjection } = c.config;
  const options = { path, groups, linearProjection, weights: c.weights };
  const entry = { name: `${path}.proj_in`, inputs: [feature.name] };
  const layers = [
    outputBlock(entry, (g, [x]) => projectIn(g, x, options)),
  ];
  for (let i = 0; i < depth; i++) {
    const stream = layers[layers.length - 1].name;
    const block = `${path}.transformer_blocks.${i}`;
    layers.push(...transformerBlock(block, { stream, heads }, c));
  }
  const inputs = [layers[layers.length - 1].name, feature.name];
  layers.push(
    outputBlock(
      { name: path, inputs },
      (g, [tokens, map]) => projectOut(g, tokens, { ...options, map }),
    ),
  );
  return { layers, output: { ...feature, name: path } };
}

/** Resnet `i` of a stage, and the transformer after it if the stage has attention. */
export function branchLayers(
  stage: string,
  { i, features, channels, attention }: Omit<UnetStage, "resnets"> & {
    i: number;
    features: readonly Feature[];
  },
  c: Context,
): Made {
  const path = `${stage}.resnets.${i}`;
  const resnet = resnetLayers(path, { features, channels }, c);
  if (!attention) return resnet;
  const { heads, depths: { [i]: depth } } = attention;
  const own = { feature: resnet.output, depth, heads };
  const made = transformerLayers(`${stage}.attentions.${i}`, own, c);
  return { ...made, layers: [...resnet.layers, ...made.layers] };
}

/** A layer that changes the resolution, to maps of the given size. */
export function samplerLayer(
  name: string,
  { feature, size, resample }: {
    feature: Feature;
    size: LatentSize;
    resample: typeof downsample | typeof upsample;
  },
  { weights }: Context,
): Made {
  const options = { path: name, size, weights };
  const tensors = { name, inputs: [feature.name], gated: true };
  const block = outputBlock(tensors, (g, [x]) => resample(g, x, options));
  return { layers: [block], output: { ...feature, name, size } };
}

/** Turns the last feature map into the prediction `[B, C, H, W]`. */
export function outputLayer(
  feature: Feature,
  { config, weights }: Context,
): Block {
  const { outChannels, normGroups: groups, normEpsilon: epsilon } = config;
  const norm = { path: "conv_norm_out", groups, epsilon, weights };
  const path = "conv_out";
  const conv = { path, channels: outChannels, kernel: 3, weights };
  const tensors = { name: path, inputs: [feature.name], output: "prediction" };
  return outputBlock(
    tensors,
    (g, [x]) => convolution(g, g.silu(groupNorm(g, x, norm)), conv),
  );
}
