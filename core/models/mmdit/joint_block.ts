/**
 * A transformer block on two residual streams (Esser et al., 2024): tokens of
 * the picture and of the text, each with modulations, projections and a
 * feed-forward layer of its own, attend to each other. SD3's blocks and FLUX's
 * double blocks are these, under the same names.
 *
 * Shapes: `B` batch, `L` picture tokens, `S` text tokens, `D` width.
 */
import type { GraphBuilder } from "../../onnx/builder.ts";
import type { Value } from "../../onnx/graph.ts";
import type { Block } from "../block_graph/block_graph.ts";
import { branchBlock } from "../block_graph/single_output_blocks.ts";
import type { WeightSource } from "../block_graph/weights.ts";
import {
  attended,
  attention,
  type HeadOptions,
  projected,
  textNames,
} from "../layers/attention.ts";
import { type Layer, linear } from "../layers/layers.ts";
import {
  type Conditions,
  feedForwardBlock,
  modulatedNorm,
} from "../layers/modulated_transformer.ts";
import { modulationBlock } from "./conditioning.ts";

/** Options that all blocks of a network share. */
export interface JointContext extends HeadOptions {
  /** Width D of both streams. */
  readonly width: number;
  readonly weights: WeightSource;
}

/** The names of both streams' tensors. */
export interface Streams {
  readonly picture: string;
  readonly text: string;
}

export interface JointBlock {
  /** The block's module path. */
  readonly name: string;
  /** The streams before the block. */
  readonly streams: Streams;
  /** Whether the block leaves the text unchanged, as no later block reads it. */
  readonly isLast?: boolean;
  /** Whether the picture's tokens also attend to each other alone. */
  readonly isDual?: boolean;
}

export const streamsAfter = (name: string): Streams => ({
  picture: name,
  text: `${name}.context`,
});

/** ε of all norms. */
export const epsilon = 1e-6;

/** Modulations of a norm and the gate of the sublayer after it, each `[B, 1, D]`. */
interface Modulation {
  readonly shift: Value;
  readonly scale: Value;
  readonly gate: Value;
}

/** Three of the modulations `[B, count, D]`, from index `first` on. */
function threeOf(g: GraphBuilder, all: Value, first: number): Modulation {
  const parts = g.chunk(all, all.shape[1], { axis: 1 });
  const [shift, scale, gate] = parts.slice(first);
  return { shift, scale, gate };
}

/** A norm without weights and its two modulations, the scale before the shift (AdaLayerNormContinuous). */
export const scaledNorm: Layer<{ modulations: Value; path: string }> = (
  g,
  x,
  { modulations, path },
) => {
  const [scale, shift] = g.chunk(modulations, 2, { axis: 1 });
  return modulatedNorm(g, x, { shift, scale, path, epsilon });
};

/** The attention of both streams to both, `<name>.attn`, which adds gate · attention(modulated norm) to each. */
function jointAttentionBlock(
  { name: block, streams: { picture, text }, isLast = false }: JointBlock,
  c: JointContext,
): Block {
  const [name, norm1, context] = ["attn", "norm1", "norm1_context"]
    .map((part) => `${block}.${part}`);
  const { width, weights } = c;
  const tensors = {
    name,
    inputs: [picture, text, norm1, context],
    outputs: isLast ? [name] : [name, `${name}.context`],
    streams: isLast ? [picture] : [picture, text],
  };
  return branchBlock(tensors, (g, [x, y, ofPicture, ofText]) => {
    const own = threeOf(g, ofPicture, 0);
    const norm = { ...own, path: norm1, epsilon };
    const pictureTokens = modulatedNorm(g, x, norm); // [B, L, D]
    const other = isLast ? undefined : threeOf(g, ofText, 0);
    const textTokens = other
      ? modulatedNorm(g, y, { ...other, path: context, epsilon })
      : scaledNorm(g, y, { modulations: ofText, path: context }); // [B, S, D]
    const options = { ...c, path: name };
    const mixed = g.scope(name, () =>
      attended(g, [
        projected(g, textTokens, { ...options, names: textNames }),
        projected(g, pictureTokens, options),
      ], c));
    const sizes = [y.shape[1], x.shape[1]];
    const [toText, toPicture] = g.split(mixed, sizes, { axis: 1 });
    const out = (from: Value, layer: string) =>
      linear(g, from, { path: `${name}.${layer}`, width, weights });
    const added = { gate: own.gate, branch: out(toPicture, "to_out.0") };
    if (!other) return [added];
    return [added, { gate: other.gate, branch: out(toText, textNames.output) }];
  });
}

/** The picture's self-attention `<name>.attn2`, on the joint attention's norm with the last three of nine modulations. */
function pictureAttentionBlock(
  { name: block, streams: { picture } }: JointBlock,
  c: JointContext,
): Block {
  const [name, norm1] = [`${block}.attn2`, `${block}.norm1`];
  const tensors = {
    name,
    inputs: [picture, norm1],
    outputs: [name],
    streams: [`${block}.attn`],
  };
  return branchBlock(tensors, (g, [x, modulations]) => {
    const { gate, ...moved } = threeOf(g, modulations, 6);
    const tokens = modulatedNorm(g, x, { ...moved, path: norm1, epsilon });
    return [{ gate, branch: attention(g, tokens, { ...c, path: name }) }];
  });
}

/** The first six of a stream's modulations, for its feed-forward layer. */
const firstSix = (name: string): Conditions => ({
  inputs: [name],
  modulations: (g, [all]) =>
    all.shape[1] === 6
      ? all
      : g.slice(all, { axes: [1], starts: [0], ends: [6] }),
});

/** The modulations and the sublayers of a block: attention, then the feed-forward layer of each stream. */
export function jointSublayers(block: JointBlock, c: JointContext): Block[] {
  const { name, isLast = false, isDual = false } = block;
  const [norm1, context] = [`${name}.norm1`, `${name}.norm1_context`];
  const attn = `${name}.attn`;
  const after = streamsAfter(name);
  const ofPicture = {
    stream: isDual ? `${attn}2` : attn,
    conditions: firstSix(norm1),
    norm: "norm2",
    output: after.picture,
  };
  const ofText = {
    layer: "ff_context",
    stream: `${attn}.context`,
    conditions: firstSix(context),
    norm: "norm2_context",
    output: after.text,
  };
  const feedForward = (own: typeof ofPicture) =>
    feedForwardBlock({ block: name, epsilon, ...own }, c);
  return [
    modulationBlock(norm1, isDual ? 9 : 6, c),
    modulationBlock(context, isLast ? 2 : 6, c),
    jointAttentionBlock(block, c),
    ...isDual ? [pictureAttentionBlock(block, c)] : [],
    feedForward(ofPicture),
    ...isLast ? [] : [feedForward(ofText)],
  ];
}
