/**
 * Stable Diffusion 3 and 3.5 (Esser et al., 2024) as diffusers stores them, an
 * `SD3Transformer2DModel`: blocks on two streams, picture and text, that attend
 * to each other (MMDiT).
 *
 * Shapes: `B` batch, `C` channels, `H W` latents, `L` picture tokens, `S` text
 * tokens, `D = heads x head width`.
 */
import {
  type Block,
  type BlockGraph,
  inputOf,
} from "../block_graph/block_graph.ts";
import { outputBlock } from "../block_graph/single_output_blocks.ts";
import {
  type TransformerOptions,
  transformerUnits,
} from "../block_graph/transformer_units.ts";
import type { WeightSource } from "../block_graph/weights.ts";
import { patchEmbedding } from "../layers/layers.ts";
import {
  type TransformerContext,
  transformerContext,
} from "../layers/modulated_transformer.ts";
import { conditioningBlock, embeddedText, textBlock } from "./conditioning.ts";
import {
  type JointContext,
  jointSublayers,
  type Streams,
  streamsAfter,
} from "./joint_block.ts";
import { predictionBlocks } from "./prediction.ts";
import type { Sd3Config } from "./sd3_config.ts";

/** The number of text tokens: CLIP's 77, then T5's 256. */
const usualTokens = 333;

type Context = TransformerContext<Sd3Config>;

/** Key of the table of positions, which is stored with the weights and not trained. */
export const positionTable = "pos_embed.pos_embed";

/** Embeds latents as tokens `[B, L, D]` with positions, the middle of a table that is stored with the weights. */
function patchBlock(
  { config: { positions, patchSize }, width, latents, weights }: Context,
): Block {
  const [rows, columns] = [latents.height, latents.width]
    .map((side) => side / patchSize);
  if (rows > positions || columns > positions) {
    throw new RangeError(
      `Cannot build an SD3: latents are ${latents.height}x${latents.width}, expected at most ${
        positions * patchSize
      } a side, its table of positions`,
    );
  }
  const middle = (count: number) => Math.floor((positions - count) / 2);
  const [top, left] = [middle(rows), middle(columns)];
  const tensors = { name: "pos_embed", inputs: ["sample"] };
  return outputBlock(tensors, (g, [sample]) => {
    const path = "pos_embed.proj";
    const options = { path, patchSize, width, weights };
    const tokens = patchEmbedding(g, sample, options);
    const shape = [1, positions ** 2, width];
    const source = weights(positionTable, shape);
    const constant = { ...source, role: "constant" } as const;
    const table = g.parameter(positionTable, shape, constant);
    const grid = g.reshape(table, [positions, positions, width]);
    const cropped = g.slice(grid, {
      axes: [0, 1],
      starts: [top, left],
      ends: [top + rows, left + columns],
    });
    return g.add(tokens, g.reshape(cropped, [1, rows * columns, width]));
  });
}

/**
 * The block graph of an SD3. Inputs: `sample` `[B, C, H, W]`, `timestep` `[B]`
 * (1000 σ), `encoder_hidden_states` `[B, S, E]` and `pooled_projections`
 * `[B, P]`; output `prediction` `[B, C', H, W]`.
 *
 * @throws {RangeError} If patches do not tile the latents, or the latents are larger than the table of positions.
 */
export function sd3BlockGraph(
  config: Sd3Config,
  weights: WeightSource,
  { batch, tokens = usualTokens, latents, ...units }: TransformerOptions,
): BlockGraph {
  const c = transformerContext(config, weights, { model: "SD3", latents });
  const { heads, normsHeads, layers, dualLayers } = config;
  const joint: JointContext = { width: c.width, weights, heads, normsHeads };
  const blocks = [patchBlock(c), conditioningBlock(c), textBlock(c)];
  let streams: Streams = { picture: "pos_embed", text: embeddedText };
  for (let i = 0; i < layers; i++) {
    const name = `transformer_blocks.${i}`;
    const isLast = i === layers - 1;
    const isDual = dualLayers.includes(i);
    const block = { name, streams, isLast, isDual };
    blocks.push(...transformerUnits(name, jointSublayers(block, joint), units));
    streams = streamsAfter(name);
  }
  const { height, width } = c.latents;
  return {
    model: "sd3",
    inputs: [
      inputOf("sample", [batch, config.inChannels, height, width]),
      inputOf("timestep", [batch]),
      inputOf("encoder_hidden_states", [batch, tokens, config.textWidth]),
      inputOf("pooled_projections", [batch, config.pooledWidth]),
    ],
    blocks: [
      ...blocks,
      ...predictionBlocks(streams.picture, c, { order: "channels last" }),
    ],
    output: "prediction",
  };
}
