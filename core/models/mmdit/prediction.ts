/** The end of a multimodal transformer: a modulated norm, a linear layer, and tokens assembled to latents. */
import type { Block } from "../block_graph/block_graph.ts";
import { outputBlock } from "../block_graph/single_output_blocks.ts";
import { linear } from "../layers/layers.ts";
import type { TransformerContext } from "../layers/modulated_transformer.ts";
import { modulationBlock } from "./conditioning.ts";
import { scaledNorm } from "./joint_block.ts";

/** The tokens that become latents, and the order of their features. */
export interface PredictionOptions {
  /** The number of text tokens before the picture's tokens; 0 by default. */
  readonly text?: number;
  /** The order of a token's features: `[C', p, p]` for channels first, `[p, p, C']` for channels last. */
  readonly order: "channels first" | "channels last";
}

/** Turns tokens `[B, S + L, D]` into `prediction` `[B, C', H, W]`. */
export function predictionBlocks(
  stream: string,
  c: TransformerContext,
  { text = 0, order }: PredictionOptions,
): Block[] {
  const { config, latents: { height, width }, weights } = c;
  const { patchSize: p, outChannels: channels } = config;
  const norm = "norm_out";
  const [inPatch, perm] = order === "channels first"
    ? [[channels, p, p], [0, 3, 1, 4, 2, 5]]
    : [[p, p, channels], [0, 5, 1, 3, 2, 4]];
  const name = "proj_out";
  const tensors = { name, inputs: [stream, norm], output: "prediction" };
  return [
    modulationBlock(norm, 2, c),
    outputBlock(tensors, (g, [x, modulations]) => {
      const [batch, length] = x.shape;
      const picture = text === 0
        ? x
        : g.slice(x, { axes: [1], starts: [text], ends: [length] });
      const normed = scaledNorm(g, picture, { modulations, path: norm });
      const patches = linear(g, normed, {
        path: "proj_out",
        width: p * p * channels,
        weights,
      }); // [B, L, p p C']
      const grid = [batch, height / p, width / p, ...inPatch];
      const moved = g.transpose(g.reshape(patches, grid), perm); // [B, C', H/p, p, W/p, p]
      return g.reshape(moved, [batch, channels, height, width]);
    }),
  ];
}
