/**
 * The autoencoder of latent diffusion (Rombach et al., 2022) as diffusers
 * stores it: `AutoencoderKL`. Encoder and decoder are chains of small blocks,
 * named as diffusers names its modules, none of them gated.
 *
 * Shapes: pictures `[B, C, H, W]` in [-1, 1], latents `[B, Z, H/f, W/f]`.
 */
import type { GraphBuilder } from "../../onnx/builder.ts";
import type { Value } from "../../onnx/graph.ts";
import { attention } from "../layers/attention.ts";
import type { AutoencoderConfig } from "./autoencoder_config.ts";
import type { Block, BlockGraph } from "../block_graph/block_graph.ts";
import type { ComponentKind } from "../component.ts";
import { parseAutoencoderConfig } from "./autoencoder_config.ts";
import { convolution, groupNorm } from "../layers/layers.ts";
import { parameterShapes } from "../block_graph/parameter_shapes.ts";
import { resnetBranch, resnetShortcut, upsample } from "../unet/resnet.ts";
import type { WeightSource } from "../block_graph/weights.ts";

/** ε of every norm. */
const epsilon = 1e-6;

/** How many times a picture's side is that of its latents. */
export const downscaling = ({ channels }: AutoencoderConfig): number =>
  2 ** (channels.length - 1);

/** A step of a chain. */
interface Link {
  readonly name: string;
  emit(g: GraphBuilder, x: Value): Value;
}

/** The layers of one autoencoder. */
class Layers {
  constructor(
    private readonly config: AutoencoderConfig,
    private readonly weights: WeightSource,
  ) {}

  convolution(name: string, channels: number, kernel = 3): Link {
    const { weights } = this;
    return {
      name,
      emit: (g, x) =>
        convolution(g, x, { path: name, channels, kernel, weights }),
    };
  }

  /** A residual block; where the channels change, a 1x1 convolution carries its input over. */
  resnet(name: string, channels: number): Link {
    const options = { path: name, channels, ...this.#norm() };
    return {
      name,
      emit(g, x) {
        const stream = x.shape[1] === channels
          ? x
          : resnetShortcut(g, x, options);
        return g.add(stream, resnetBranch(g, x, options));
      },
    };
  }

  /** Self-attention over all positions, with one head. */
  attention(name: string): Link {
    const norm = { path: `${name}.group_norm`, ...this.#norm() };
    const { weights } = this;
    return {
      name,
      emit(g, x) {
        const [batch, channels, height, width] = x.shape;
        const flat = [batch, channels, height * width];
        const normed = g.reshape(groupNorm(g, x, norm), flat);
        const tokens = g.transpose(normed, [0, 2, 1]);
        const seen = attention(g, tokens, { path: name, heads: 1, weights });
        const out = g.transpose(seen, [0, 2, 1]);
        return g.add(x, g.reshape(out, x.shape));
      },
    };
  }

  /** Half the height and width: one more row and column at the end, then a convolution of stride 2. */
  downsample(name: string, channels: number): Link {
    const { weights } = this;
    const options = { path: `${name}.conv`, channels, kernel: 3, stride: 2 };
    return {
      name,
      emit: (g, x) =>
        convolution(g, x, { ...options, padding: [0, 0, 1, 1], weights }),
    };
  }

  upsample(name: string): Link {
    const { weights } = this;
    return { name, emit: (g, x) => upsample(g, x, { path: name, weights }) };
  }

  /** Norm and SiLU before the last convolution. */
  norm(name: string): Link {
    const options = { path: name, ...this.#norm() };
    return { name, emit: (g, x) => groupNorm(g, x, options) };
  }

  readonly silu: Link = { name: "conv_act", emit: (g, x) => g.silu(x) };

  /** Two residual blocks with attention between them. */
  middle(path: string, channels: number): Link[] {
    return [
      this.resnet(`${path}.resnets.0`, channels),
      this.attention(`${path}.attentions.0`),
      this.resnet(`${path}.resnets.1`, channels),
    ];
  }

  #norm() {
    const { config: { normGroups: groups }, weights } = this;
    return { groups, epsilon, weights };
  }
}

/** A chain as a block graph; each block reads the output of the one before. */
function chain(
  links: readonly Link[],
  { model, input, output }: { model: string; input: Value; output: string },
): BlockGraph {
  let before = input.name;
  const blocks = links.map((link, i): Block => {
    const made = i === links.length - 1 ? output : link.name;
    const block: Block = {
      name: link.name,
      gated: false,
      inputs: [before],
      outputs: [made],
      emit: (g, [x]) => [link.emit(g, x)],
    };
    before = made;
    return block;
  });
  return { model, inputs: [input], blocks, output };
}

/** Pictures or latents in one call. */
export interface PictureSize {
  readonly batch: number;
  /** Of the latents. */
  readonly height: number;
  readonly width: number;
}

/**
 * The encoder. Input `image` `[B, C, H, W]`; output `moments` `[B, 2Z, H/f, W/f]`,
 * the mean of the latents and the logarithm of their variance, joined.
 */
export function encoderBlockGraph(
  config: AutoencoderConfig,
  weights: WeightSource,
  { batch, height, width }: PictureSize,
): BlockGraph {
  const layers = new Layers(config, weights);
  const { channels, resnets, inChannels, latentChannels } = config;
  const factor = downscaling(config);
  const last = channels.length - 1;
  const down = channels.flatMap((count, level) => {
    const path = `encoder.down_blocks.${level}`;
    const own = Array.from(
      { length: resnets },
      (_, i) => layers.resnet(`${path}.resnets.${i}`, count),
    );
    if (level === last) return own;
    return [...own, layers.downsample(`${path}.downsamplers.0`, count)];
  });
  const links = [
    layers.convolution("encoder.conv_in", channels[0]),
    ...down,
    ...layers.middle("encoder.mid_block", channels[last]),
    layers.norm("encoder.conv_norm_out"),
    layers.silu,
    layers.convolution("encoder.conv_out", 2 * latentChannels),
    layers.convolution("quant_conv", 2 * latentChannels, 1),
  ];
  const shape = [batch, inChannels, factor * height, factor * width];
  const input: Value = { name: "image", dtype: "float32", shape };
  return chain(links, { model: "encoder", input, output: "moments" });
}

/**
 * The decoder. Input `latents` `[B, Z, H/f, W/f]`, without diffusion's scaling
 * factor; output `decoded` `[B, C, H, W]`.
 */
export function decoderBlockGraph(
  config: AutoencoderConfig,
  weights: WeightSource,
  { batch, height, width }: PictureSize,
): BlockGraph {
  const layers = new Layers(config, weights);
  const { resnets, outChannels, latentChannels } = config;
  const channels = config.channels.toReversed();
  const last = channels.length - 1;
  const up = channels.flatMap((count, level) => {
    const path = `decoder.up_blocks.${level}`;
    const own = Array.from(
      { length: resnets + 1 },
      (_, i) => layers.resnet(`${path}.resnets.${i}`, count),
    );
    if (level === last) return own;
    return [...own, layers.upsample(`${path}.upsamplers.0`)];
  });
  const links = [
    layers.convolution("post_quant_conv", latentChannels, 1),
    layers.convolution("decoder.conv_in", channels[0]),
    ...layers.middle("decoder.mid_block", channels[0]),
    ...up,
    layers.norm("decoder.conv_norm_out"),
    layers.silu,
    layers.convolution("decoder.conv_out", outChannels),
  ];
  const shape = [batch, latentChannels, height, width];
  const input: Value = { name: "latents", dtype: "float32", shape };
  return chain(links, { model: "decoder", input, output: "decoded" });
}

/** What Stable Diffusion 1's files call the parts of the attention. */
const olderNames: Readonly<Record<string, string>> = {
  query: "to_q",
  key: "to_k",
  value: "to_v",
  proj_attn: "to_out.0",
};

/** How an autoencoder's folder is read. */
export const autoencoderKind: ComponentKind<AutoencoderConfig> = {
  weightFile: "diffusion_pytorch_model.safetensors",
  renamed: (key) =>
    key.replace(
      /(\.attentions\.0\.)(query|key|value|proj_attn)\./,
      (_, path, name) => `${path}${olderNames[name]}.`,
    ),
  parse: parseAutoencoderConfig,
  parameters(config) {
    const size = { batch: 1, height: 1, width: 1 };
    return new Map([
      ...parameterShapes((weights) => encoderBlockGraph(config, weights, size)),
      ...parameterShapes((weights) => decoderBlockGraph(config, weights, size)),
    ]);
  },
};
