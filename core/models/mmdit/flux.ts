/**
 * FLUX.1 (Black Forest Labs, 2024) as diffusers stores it, a
 * `FluxTransformer2DModel`: blocks on two streams as in SD3, then blocks on one
 * stream of all tokens, whose attention and feed-forward layer run side by side.
 * A token's position rotates its queries and keys.
 *
 * Shapes: `B` batch, `C` channels, `H W` latents, `L` picture tokens, `S` text
 * tokens, `D = heads x head width`.
 */
import {
  type Block,
  type BlockGraph,
  inputOf,
} from "../block_graph/block_graph.ts";
import {
  branchBlock,
  outputBlock,
} from "../block_graph/single_output_blocks.ts";
import {
  type TransformerOptions,
  type TransformerUnitOptions,
  transformerUnits,
} from "../block_graph/transformer_units.ts";
import type { WeightSource } from "../block_graph/weights.ts";
import { attended, projected } from "../layers/attention.ts";
import { linear } from "../layers/layers.ts";
import {
  modulatedNorm,
  type TransformerContext,
  transformerContext,
} from "../layers/modulated_transformer.ts";
import {
  conditioningBlock,
  embeddedText,
  modulationBlock,
  textBlock,
} from "./conditioning.ts";
import type { FluxConfig } from "./flux_config.ts";
import {
  epsilon,
  type JointContext,
  jointSublayers,
  type Streams,
  streamsAfter,
} from "./joint_block.ts";
import { predictionBlocks } from "./prediction.ts";
import { rotation } from "./rotary.ts";

/** The number of tokens that T5 reads of a prompt. */
const usualTokens = 512;

type Context = TransformerContext<FluxConfig>;

/** Packs latents into tokens `[B, L, D]`, each of four neighbours: their first channels, then their second, … */
function packingBlock(
  { config: { inChannels, patchSize: p }, width, latents, weights }: Context,
): Block {
  const path = "x_embedder";
  const [rows, columns] = [latents.height / p, latents.width / p];
  return outputBlock({ name: path, inputs: ["sample"] }, (g, [sample]) => {
    const [batch] = sample.shape;
    const apart = g.reshape(sample, [batch, inChannels, rows, p, columns, p]);
    const moved = g.transpose(apart, [0, 2, 4, 1, 3, 5]); // [B, H/p, W/p, C, p, p]
    const shape = [batch, rows * columns, inChannels * p * p];
    return linear(g, g.reshape(moved, shape), { path, width, weights });
  });
}

/** A block on one stream: attention of all tokens beside a feed-forward layer; adds gate · out([attention, MLP]). */
function singleSublayers(
  name: string,
  stream: string,
  c: JointContext,
): Block[] {
  const { width, weights } = c;
  const norm = `${name}.norm`;
  const inputs = [stream, norm];
  const tensors = { name, inputs, outputs: [name], streams: [stream] };
  const single = branchBlock(tensors, (g, [x, three]) => {
    const [shift, scale, gate] = g.chunk(three, 3, { axis: 1 });
    const tokens = modulatedNorm(g, x, { shift, scale, path: norm, epsilon });
    const path = `${name}.attn`;
    const own = projected(g, tokens, { ...c, path });
    const mixed = g.scope(path, () => attended(g, [own], c)); // [B, S + L, D]
    const up = { path: `${name}.proj_mlp`, width: 4 * width, weights };
    const hidden = g.gelu(linear(g, tokens, up), { approximate: "tanh" });
    const both = g.concat([mixed, hidden], { axis: 2 }); // [B, S + L, 5D]
    const out = { path: `${name}.proj_out`, width, weights };
    return [{ gate, branch: linear(g, both, out) }];
  });
  return [modulationBlock(norm, 3, c), single];
}

/**
 * The block graph of a FLUX.1. Inputs: `sample` `[B, C, H, W]`, not packed,
 * `timestep` `[B]` (1000 σ), `encoder_hidden_states` `[B, S, E]`,
 * `pooled_projections` `[B, P]` and, in a guidance-distilled network, `guidance`
 * `[B]`, the guidance scale; output `prediction` `[B, C, H, W]`.
 *
 * @throws {RangeError} If squares of four latents do not tile the latents.
 */
export function fluxBlockGraph(
  config: FluxConfig,
  weights: WeightSource,
  { batch, tokens = usualTokens, latents, ...units }: TransformerOptions,
): BlockGraph {
  const c = transformerContext(config, weights, { model: "FLUX", latents });
  const { heads, patchSize, rotaryAxes } = config;
  const { width, height } = c.latents;
  const [rows, columns] = [height / patchSize, width / patchSize];
  const rotated = rotation(rotaryAxes, { text: tokens, rows, columns });
  const joint = { width: c.width, weights, heads, normsHeads: true, rotated };
  const guidance = [inputOf("guidance", [batch])];
  return {
    model: "flux",
    inputs: [
      inputOf("sample", [batch, config.inChannels, height, width]),
      inputOf("timestep", [batch]),
      inputOf("encoder_hidden_states", [batch, tokens, config.textWidth]),
      inputOf("pooled_projections", [batch, config.pooledWidth]),
      ...config.guidanceEmbeds ? guidance : [],
    ],
    blocks: fluxBlocks(c, joint, { text: tokens, ...units }),
    output: "prediction",
  };
}

/** All blocks in execution order. */
function fluxBlocks(
  c: Context,
  joint: JointContext,
  { text, ...units }: TransformerUnitOptions & { readonly text: number },
): Block[] {
  const { guidanceEmbeds, layers, singleLayers } = c.config;
  const blocks = [
    packingBlock(c),
    conditioningBlock(c, {
      guidance: guidanceEmbeds,
      // diffusers passes σ and multiplies it by 1000 again, in float32.
      timestep: (g, t) => g.mul(g.div(t, g.scalar(1000)), g.scalar(1000)),
    }),
    textBlock(c),
  ];
  let streams: Streams = { picture: "x_embedder", text: embeddedText };
  for (let i = 0; i < layers; i++) {
    const name = `transformer_blocks.${i}`;
    const sublayers = jointSublayers({ name, streams }, joint);
    blocks.push(...transformerUnits(name, sublayers, units));
    streams = streamsAfter(name);
  }
  let stream = "single_stream";
  blocks.push(
    outputBlock(
      { name: stream, inputs: [streams.text, streams.picture] },
      (g, both) => g.concat(both, { axis: 1 }),
    ),
  );
  for (let i = 0; i < singleLayers; i++) {
    const name = `single_transformer_blocks.${i}`;
    const sublayers = singleSublayers(name, stream, joint);
    blocks.push(...transformerUnits(name, sublayers, units));
    stream = name;
  }
  const order = "channels first";
  return [...blocks, ...predictionBlocks(stream, c, { text, order })];
}
