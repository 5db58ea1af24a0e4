/**
 * Diffusion transformer with adaLN-zero (Peebles and Xie, 2023), as diffusers
 * stores it: `Transformer2DModel` with `norm_type: ada_norm_zero`, or
 * `DiTTransformer2DModel`.
 *
 * Shapes: `B` batch, `C` channels, `H W` picture, `p` patch size,
 * `L = (H/p)(W/p)` tokens, `D = heads x head width`.
 */
import type { GraphBuilder } from "../onnx/builder.ts";
import type { Value } from "../onnx/graph.ts";
import { float32 } from "../tensor.ts";
import type { Block, BlockGraph } from "./block_graph.ts";
import {
  layerNorm,
  linear,
  patchEmbedding,
  timestepEmbedding,
} from "./layers.ts";
import { sinCosPositions } from "./positions.ts";
import type { WeightSource } from "./weights.ts";

/** The part of `transformer/config.json` that the network depends on. */
export interface DitConfig {
  readonly sampleSize: number;
  readonly patchSize: number;
  readonly inChannels: number;
  /** Twice `inChannels` where the variance is learned. */
  readonly outChannels: number;
  readonly layers: number;
  readonly heads: number;
  readonly headWidth: number;
  /** Number of classes; the null class of guidance has this index. */
  readonly classes: number;
  /** ε of the norm before the MLP; the others use 1e-6. */
  readonly normEpsilon: number;
}

/** `block`: a gate for each transformer block. `sublayer`: attention and MLP apart. */
export type DitGranularity = "block" | "sublayer";

export interface DitOptions {
  readonly batch: number;
  readonly granularity?: DitGranularity;
  /** What a backup connection holds: the stream after the block, or what the block added to it. */
  readonly backup?: "output" | "residual";
}

/** Width D of the residual stream. */
export const widthOf = ({ heads, headWidth }: DitConfig): number =>
  heads * headWidth;

/** Everything an emitter needs besides the graph. */
interface Context {
  readonly config: DitConfig;
  readonly weights: WeightSource;
  readonly width: number;
}

/** SiLU of a block's embedding of timestep and class `[B, D]`. */
function conditioning(
  g: GraphBuilder,
  t: Value,
  label: Value,
  layer: number,
  c: Context,
): Value {
  const { config, weights, width } = c;
  const path = `transformer_blocks.${layer}.norm1.emb`;
  const waves = timestepEmbedding(g, t, { channels: 256, frequencyShift: 1 }); // [B, 256]
  const hidden = g.silu(
    linear(g, waves, {
      path: `${path}.timestep_embedder.linear_1`,
      width,
      weights,
    }),
  );
  const time = linear(g, hidden, {
    path: `${path}.timestep_embedder.linear_2`,
    width,
    weights,
  }); // [B, D]
  const key = `${path}.class_embedder.embedding_table.weight`;
  const shape = [config.classes + 1, width];
  const table = g.parameter(key, shape, weights(key, shape));
  return g.silu(g.add(time, g.gather(table, label))); // [B, D]
}

/** A block's modulation `[B, 6, D]`: shift, scale, gate of attention, then of the MLP. */
function modulation(
  g: GraphBuilder,
  t: Value,
  label: Value,
  layer: number,
  c: Context,
): Value {
  const embedded = conditioning(g, t, label, layer, c);
  const path = `transformer_blocks.${layer}.norm1.linear`;
  const chunks = linear(g, embedded, {
    path,
    width: 6 * c.width,
    weights: c.weights,
  });
  return g.reshape(chunks, [embedded.shape[0], 6, c.width]);
}

/** x (1 + scale) + shift. */
function modulate(
  g: GraphBuilder,
  x: Value,
  shift: Value,
  scale: Value,
): Value {
  return g.add(g.mul(x, g.add(scale, g.scalar(1))), shift);
}

/** What attention adds to the stream: gate · attention(modulated norm). `[B, L, D]` */
function attentionBranch(
  g: GraphBuilder,
  x: Value,
  mod: readonly Value[],
  layer: number,
  { config, weights, width }: Context,
): Value {
  const [shift, scale, gate] = mod;
  const path = `transformer_blocks.${layer}`;
  const normed = g.scope(
    `${path}.norm1`,
    () => layerNorm(g, x, { epsilon: 1e-6 }),
  );
  const input = modulate(g, normed, shift, scale); // [B, L, D]
  const project = (name: string, from: Value) =>
    linear(g, from, { path: `${path}.attn1.${name}`, width, weights });
  const [q, k, v] = ["to_q", "to_k", "to_v"].map((name) =>
    project(name, input)
  );
  const mixed = g.scope(
    `${path}.attn1`,
    () => g.multiHeadAttention(q, k, v, { heads: config.heads }),
  );
  return g.mul(gate, project("to_out.0", mixed));
}

/** What the MLP adds to the stream: gate · MLP(modulated norm), GELU in its tanh form. `[B, L, D]` */
function mlpBranch(
  g: GraphBuilder,
  x: Value,
  mod: readonly Value[],
  layer: number,
  { config, weights, width }: Context,
): Value {
  const [shift, scale, gate] = mod;
  const path = `transformer_blocks.${layer}`;
  const normed = g.scope(
    `${path}.norm3`,
    () => layerNorm(g, x, { epsilon: config.normEpsilon }),
  );
  const input = modulate(g, normed, shift, scale); // [B, L, D]
  const up = linear(g, input, {
    path: `${path}.ff.net.0.proj`,
    width: 4 * width,
    weights,
  });
  const hidden = g.gelu(up, { approximate: "tanh" }); // [B, L, 4D]
  return g.mul(
    gate,
    linear(g, hidden, { path: `${path}.ff.net.2`, width, weights }),
  );
}

/** The six `[B, 1, D]` parts of a modulation. */
const partsOf = (g: GraphBuilder, mod: Value): Value[] =>
  g.chunk(mod, 6, { axis: 1 });

/** Picture `[B, C, H, W]` → tokens `[B, L, D]` with their positions. */
function patchBlock({ config, weights, width }: Context): Block {
  const { patchSize, sampleSize } = config;
  return {
    name: "pos_embed",
    gated: false,
    inputs: ["sample"],
    outputs: ["pos_embed"],
    emit(g, [sample]) {
      const tokens = patchEmbedding(g, sample, {
        path: "pos_embed.proj",
        patchSize,
        width,
        weights,
      });
      const grid = sampleSize / patchSize;
      const positions = sinCosPositions({ width, height: grid, columns: grid });
      return [
        g.add(tokens, g.constant(float32([1, grid * grid, width], positions))),
      ];
    },
  };
}

/** One transformer block as a single unit. */
function wholeBlock(
  layer: number,
  stream: string,
  c: Context,
  residual: boolean,
): Block {
  const name = `transformer_blocks.${layer}`;
  return {
    name,
    gated: true,
    inputs: [stream, "timestep", "class_labels"],
    outputs: [name],
    residual: residual ? stream : undefined,
    emit(g, [x, t, label]) {
      const mod = partsOf(g, modulation(g, t, label, layer, c));
      const attention = attentionBranch(g, x, mod.slice(0, 3), layer, c);
      const middle = g.add(x, attention);
      const mlp = mlpBranch(g, middle, mod.slice(3), layer, c);
      return [residual ? g.add(attention, mlp) : g.add(middle, mlp)];
    },
  };
}

/** One transformer block as its modulation (always run) and two units. */
function subLayers(
  layer: number,
  stream: string,
  c: Context,
  residual: boolean,
): Block[] {
  const path = `transformer_blocks.${layer}`;
  const mod = `${path}.norm1`;
  const branch = (
    name: string,
    from: string,
    part: 0 | 3,
    emit: typeof mlpBranch,
  ): Block => ({
    name,
    gated: true,
    inputs: [from, mod],
    outputs: [name],
    residual: residual ? from : undefined,
    emit(g, [x, m]) {
      const added = emit(g, x, partsOf(g, m).slice(part, part + 3), layer, c);
      return [residual ? added : g.add(x, added)];
    },
  });
  return [
    {
      name: mod,
      gated: false,
      inputs: ["timestep", "class_labels"],
      outputs: [mod],
      emit: (g, [t, label]) => [modulation(g, t, label, layer, c)],
    },
    branch(`${path}.attn1`, stream, 0, attentionBranch),
    branch(`${path}.ff`, `${path}.attn1`, 3, mlpBranch),
  ];
}

/** Tokens `[B, L, D]` → prediction `[B, C', H, W]`; conditioned through block 0's embedder. */
function outputBlock(stream: string, c: Context): Block {
  const { config, weights, width } = c;
  const { patchSize: p, outChannels, sampleSize } = config;
  return {
    name: "proj_out",
    gated: false,
    inputs: [stream, "timestep", "class_labels"],
    outputs: ["prediction"],
    emit(g, [x, t, label]) {
      const [batch] = x.shape;
      const grid = sampleSize / p;
      const embedded = conditioning(g, t, label, 0, c);
      const mod = linear(g, embedded, {
        path: "proj_out_1",
        width: 2 * width,
        weights,
      });
      const [shift, scale] = g.chunk(g.reshape(mod, [batch, 2, width]), 2, {
        axis: 1,
      });
      const normed = g.scope(
        "norm_out",
        () => layerNorm(g, x, { epsilon: 1e-6 }),
      );
      const patches = linear(g, modulate(g, normed, shift, scale), {
        path: "proj_out_2",
        width: p * p * outChannels,
        weights,
      }); // [B, L, p p C']
      const split = g.reshape(patches, [batch, grid, grid, p, p, outChannels]);
      const moved = g.transpose(split, [0, 5, 1, 3, 2, 4]); // [B, C', H/p, p, W/p, p]
      return [g.reshape(moved, [batch, outChannels, sampleSize, sampleSize])];
    },
  };
}

/**
 * The block graph of a DiT. Inputs: `sample` `[B, C, H, W]`, `timestep` `[B]`
 * (float32) and `class_labels` `[B]` (int64); output `prediction` `[B, C', H, W]`.
 */
export function ditBlockGraph(
  config: DitConfig,
  weights: WeightSource,
  { batch, granularity = "block", backup = "residual" }: DitOptions,
): BlockGraph {
  const c: Context = { config, weights, width: widthOf(config) };
  const blocks: Block[] = [patchBlock(c)];
  let stream = "pos_embed";
  for (let layer = 0; layer < config.layers; layer++) {
    const added = granularity === "block"
      ? [wholeBlock(layer, stream, c, backup === "residual")]
      : subLayers(layer, stream, c, backup === "residual");
    blocks.push(...added);
    stream = added[added.length - 1].outputs[0];
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
    blocks: [...blocks, outputBlock(stream, c)],
    output: "prediction",
  };
}
