/**
 * A diffusion transformer on the patches of a picture (Peebles and Xie, 2023) as
 * a chain of blocks: patches, conditions, transformer blocks, prediction. A
 * family defines how its conditions become the modulations of norms.
 *
 * Shapes: `B` batch, `C` channels, `H W` latents, `L` tokens, `D` width.
 */
import type { GraphBuilder } from "../../onnx/builder.ts";
import type { Value } from "../../onnx/graph.ts";
import { float32 } from "../../tensor/tensor.ts";
import type { Block, LatentSize } from "../block_graph/block_graph.ts";
import {
  branchBlock,
  outputBlock,
} from "../block_graph/single_output_blocks.ts";
import {
  type TransformerUnitOptions,
  transformerUnits,
} from "../block_graph/transformer_units.ts";
import type { WeightSource } from "../block_graph/weights.ts";
import { type TransformerConfig, widthOf } from "../transformer_config.ts";
import { attention } from "./attention.ts";
import { type Layer, layerNorm, linear, patchEmbedding } from "./layers.ts";
import { sinCosPositions } from "./positions.ts";

/** The values that a block's emitter needs besides the graph. */
export interface TransformerContext<Config = TransformerConfig> {
  readonly config: Config;
  readonly weights: WeightSource;
  /** Width D of the residual stream. */
  readonly width: number;
  readonly latents: LatentSize;
}

/**
 * The context of a network.
 *
 * @param options.model The network's name, for errors.
 * @param options.latents Size of the latents; the configuration's `sample_size` on both sides by default.
 * @throws {RangeError} If patches do not tile the latents.
 */
export function transformerContext<Config extends TransformerConfig>(
  config: Config,
  weights: WeightSource,
  { model, latents }: { model: string; latents?: LatentSize },
): TransformerContext<Config> {
  const { sampleSize, patchSize } = config;
  const size = latents ?? { height: sampleSize, width: sampleSize };
  const { height, width } = size;
  if (height % patchSize !== 0 || width % patchSize !== 0) {
    throw new RangeError(
      `Cannot build a ${model}: latents are ${height}x${width}, expected multiples of the patch size ${patchSize}`,
    );
  }
  return { config, weights, width: widthOf(config), latents: size };
}

/** A block's conditions: the names of their tensors, and the modulations `[B, count, D]` made from the tensors. */
export interface Conditions {
  readonly inputs: readonly string[];
  modulations(g: GraphBuilder, values: readonly Value[]): Value;
}

/** A family's conditions, the sublayers of its transformer blocks, and its prediction. */
export interface TransformerParts {
  /** Blocks that embed conditions before the first transformer block; none is gated. */
  readonly conditions?: readonly Block[];
  /** The sublayers of the transformer block with the module path `block`, on the tensor `stream`. */
  sublayers(block: string, stream: string): Block[];
  /** The conditions of the last norm, which make two modulations, and the path of the last layer. */
  readonly prediction: Conditions & { readonly path: string };
}

/** Embeds latents as tokens `[B, L, D]` with positions, which span the same range whatever the aspect ratio. */
function patchBlock(
  { config, width, latents, weights }: TransformerContext<
    TransformerConfig & { readonly interpolationScale?: number }
  >,
): Block {
  const { patchSize, sampleSize, interpolationScale = 1 } = config;
  const span = sampleSize / patchSize;
  const positions = sinCosPositions(width, {
    height: latents.height / patchSize,
    columns: latents.width / patchSize,
    span,
    scale: interpolationScale,
  });
  const tensors = { name: "pos_embed", inputs: ["sample"] };
  return outputBlock(tensors, (g, [sample]) => {
    const path = "pos_embed.proj";
    const options = { path, patchSize, width, weights };
    const tokens = patchEmbedding(g, sample, options);
    const shape = [1, tokens.shape[1], width];
    return g.add(tokens, g.constant(float32(shape, positions)));
  });
}

/** Computes norm(x) (1 + scale) + shift by a norm without weights; scale and shift are `[B, 1, D]`. */
export const modulatedNorm: Layer<{
  shift: Value;
  scale: Value;
  path: string;
  epsilon: number;
}> = (g, x, { shift, scale, path, epsilon }) => {
  const normed = g.scope(path, () => layerNorm(g, x, { epsilon }));
  return g.add(g.mul(normed, g.add(scale, g.scalar(1))), shift);
};

/** Options of both modulated sublayers of a transformer block; `conditions` make six modulations. */
export interface SublayerOptions {
  /** Module path of the transformer block. */
  readonly block: string;
  readonly stream: string;
  readonly conditions: Conditions;
  /** ε of the norm before the sublayer. */
  readonly epsilon: number;
}

/** The self-attention block `<block>.attn1`, which adds gate · attention(modulated norm). */
export function attentionBlock(
  { block, stream, conditions, epsilon }: SublayerOptions,
  { config: { heads, upcastAttention: single }, weights }: TransformerContext,
): Block {
  const name = `${block}.attn1`;
  const inputs = [stream, ...conditions.inputs];
  const tensors = { name, inputs, outputs: [name], streams: [stream] };
  return branchBlock(tensors, (g, [x, ...values]) => {
    const six = g.chunk(conditions.modulations(g, values), 6, { axis: 1 });
    const [shift, scale, gate] = six;
    const norm = { shift, scale, path: `${block}.norm1`, epsilon };
    const input = modulatedNorm(g, x, norm);
    const options = { path: name, heads, single, weights };
    return [{ gate, branch: attention(g, input, options) }];
  });
}

/**
 * The feed-forward block `<block>.ff`, which adds gate · MLP(modulated norm), with
 * the tanh form of GELU and four times the width inside. The stream after it has
 * the name `block` unless `output` is given.
 *
 * @param options.layer The layer's own name, `ff` by default.
 * @param options.norm The norm's name in the block.
 */
export function feedForwardBlock(
  {
    block,
    layer = "ff",
    stream,
    conditions,
    epsilon,
    norm,
    output = block,
  }: SublayerOptions & {
    readonly layer?: string;
    readonly norm: string;
    readonly output?: string;
  },
  { width, weights }: Pick<TransformerContext, "width" | "weights">,
): Block {
  const name = `${block}.${layer}`;
  const inputs = [stream, ...conditions.inputs];
  const tensors = { name, inputs, outputs: [output], streams: [stream] };
  return branchBlock(tensors, (g, [x, ...values]) => {
    const six = g.chunk(conditions.modulations(g, values), 6, { axis: 1 });
    const [shift, scale, gate] = six.slice(3);
    const options = { shift, scale, path: `${block}.${norm}`, epsilon };
    const up = linear(g, modulatedNorm(g, x, options), {
      path: `${name}.net.0.proj`,
      width: 4 * width,
      weights,
    });
    const hidden = g.gelu(up, { approximate: "tanh" }); // [B, L, 4D]
    const down = { path: `${name}.net.2`, width, weights };
    return [{ gate, branch: linear(g, hidden, down) }];
  });
}

/** Turns tokens, modulated once more, into the prediction `[B, C', H, W]`. */
function predictionBlock(
  stream: string,
  { config, latents: { height, width }, weights }: TransformerContext,
  { inputs, modulations, path }: TransformerParts["prediction"],
): Block {
  const { patchSize: p, outChannels } = config;
  const name = "proj_out";
  const tensors = { name, inputs: [stream, ...inputs], output: "prediction" };
  return outputBlock(tensors, (g, [x, ...values]) => {
    const [batch] = x.shape;
    const [shift, scale] = g.chunk(modulations(g, values), 2, { axis: 1 });
    const norm = { shift, scale, path: "norm_out", epsilon: 1e-6 };
    const patches = linear(g, modulatedNorm(g, x, norm), {
      path,
      width: p * p * outChannels,
      weights,
    }); // [B, L, p p C']
    const grid = [batch, height / p, width / p, p, p, outChannels];
    const moved = g.transpose(g.reshape(patches, grid), [0, 5, 1, 3, 2, 4]); // [B, C', H/p, p, W/p, p]
    return g.reshape(moved, [batch, outChannels, height, width]);
  });
}

/** All blocks in execution order, from `sample` `[B, C, H, W]` to `prediction`. */
export function modulatedTransformer(
  c: TransformerContext,
  { conditions = [], sublayers, prediction }: TransformerParts,
  units: TransformerUnitOptions,
): Block[] {
  const blocks = [patchBlock(c), ...conditions];
  let stream = "pos_embed";
  for (let layer = 0; layer < c.config.layers; layer++) {
    const name = `transformer_blocks.${layer}`;
    blocks.push(...transformerUnits(name, sublayers(name, stream), units));
    stream = name;
  }
  return [...blocks, predictionBlock(stream, c, prediction)];
}
