/**
 * The autoencoder of latent diffusion (Rombach et al., 2022) as diffusers
 * stores it: `AutoencoderKL`. Encoder and decoder are chains of small blocks,
 * named as diffusers names its modules, none of them gated.
 *
 * Shapes: pictures `[B, C, H, W]` in [-1, 1], latents `[B, Z, H/f, W/f]`.
 */
import type { GraphBuilder } from "../../onnx/builder.ts";
import type { Value } from "../../onnx/graph.ts";
import {
  autoencoderPrefix,
  originalAutoencoder,
} from "../../weights/original/autoencoder.ts";
import { leavesOut } from "../../weights/original/mmdit.ts";
import { attention } from "../layers/attention.ts";
import {
  type BlockGraph,
  inputOf,
  type LatentSize,
} from "../block_graph/block_graph.ts";
import { outputBlock } from "../block_graph/single_output_blocks.ts";
import type { ComponentKind } from "../component.ts";
import {
  type AutoencoderConfig,
  parseAutoencoderConfig,
} from "./autoencoder_config.ts";
import { convolution, groupNorm, toMap, toTokens } from "../layers/layers.ts";
import { parameterShapes, type WeightSource } from "../block_graph/weights.ts";
import {
  downsample,
  resnetBranch,
  resnetShortcut,
  upsample,
} from "../unet/resnet.ts";

/** ε of every norm. */
const epsilon = 1e-6;

/** The factor f between the side of a picture and the side of its latents. */
export const downscaling = ({ channels }: AutoencoderConfig): number =>
  2 ** (channels.length - 1);

/** A module of a chain. */
type Link = readonly [
  name: string,
  emit: (g: GraphBuilder, x: Value) => Value,
];

class Layers {
  constructor(
    private readonly config: AutoencoderConfig,
    private readonly weights: WeightSource,
  ) {}

  convolution(path: string, channels: number, kernel = 3): Link {
    const options = { path, channels, kernel, weights: this.weights };
    return [path, (g, x) => convolution(g, x, options)];
  }

  /** Norm and SiLU before the last convolution. */
  normed(path: string): Link[] {
    const options = this.#norm(path);
    return [
      [path, (g, x) => groupNorm(g, x, options)],
      ["conv_act", (g, x) => g.silu(x)],
    ];
  }

  /** Two residual blocks, in most autoencoders with attention between them. */
  middle(path: string, channels: number): Link[] {
    const { middleAttention } = this.config;
    return [
      this.#resnet(`${path}.resnets.0`, channels),
      ...middleAttention ? [this.#attention(`${path}.attentions.0`)] : [],
      this.#resnet(`${path}.resnets.1`, channels),
    ];
  }

  /** Residual blocks at each resolution, with a layer that resamples between two resolutions. */
  levels(
    path: string,
    channels: readonly number[],
    { resnets, sampler }: {
      resnets: number;
      sampler: (block: string, weights: WeightSource) => Link;
    },
  ): Link[] {
    return channels.flatMap((count, level) => {
      const block = `${path}.${level}`;
      const own = Array.from(
        { length: resnets },
        (_, i) => this.#resnet(`${block}.resnets.${i}`, count),
      );
      const isLast = level === channels.length - 1;
      return isLast ? own : [...own, sampler(block, this.weights)];
    });
  }

  /** A residual block; if the channels change, its shortcut is a 1x1 convolution. */
  #resnet(path: string, channels: number): Link {
    const options = { ...this.#norm(path), channels };
    return [path, (g, x) => {
      const stream = x.shape[1] === channels
        ? x
        : resnetShortcut(g, x, options);
      return g.add(stream, resnetBranch(g, x, options));
    }];
  }

  /** Self-attention over all positions, with one head. */
  #attention(path: string): Link {
    const norm = this.#norm(`${path}.group_norm`);
    const options = { path, heads: 1, weights: this.weights };
    return [path, (g, x) => {
      const tokens = toTokens(g, groupNorm(g, x, norm));
      return g.add(x, toMap(g, attention(g, tokens, options), x));
    }];
  }

  #norm(path: string) {
    const { config: { normGroups: groups }, weights } = this;
    return { path, groups, epsilon, weights };
  }
}

/** Halves height and width: pads a row and a column at the end, then convolves with stride 2. */
function downsampler(block: string, weights: WeightSource): Link {
  const path = `${block}.downsamplers.0`;
  const options = { path, padding: [0, 0, 1, 1], weights };
  return [path, (g, x) => downsample(g, x, options)];
}

function upsampler(block: string, weights: WeightSource): Link {
  const path = `${block}.upsamplers.0`;
  return [path, (g, x) => {
    const [, , height, width] = x.shape;
    const size = { height: 2 * height, width: 2 * width };
    return upsample(g, x, { path, size, weights });
  }];
}

/** A chain as a block graph; each block reads the output of the block before. */
function chain(
  links: readonly Link[],
  { model, input, output }: { model: string; input: Value; output: string },
): BlockGraph {
  const blocks = links.map(([name, emit], i) => {
    const inputs = [i === 0 ? input.name : links[i - 1][0]];
    const isLast = i === links.length - 1;
    const tensors = { name, inputs, output: isLast ? output : name };
    return outputBlock(tensors, (g, [x]) => emit(g, x));
  });
  return { model, inputs: [input], blocks, output };
}

/** The number of pictures in one call, and the size of their latents. */
export type PictureSize = LatentSize & { readonly batch: number };

/**
 * The encoder's blocks. Input `image` `[B, C, H, W]`; output `moments`
 * `[B, 2Z, H/f, W/f]`, the latents' mean and the logarithm of their variance, joined.
 */
export function encoderBlockGraph(
  config: AutoencoderConfig,
  weights: WeightSource,
  { batch, height, width }: PictureSize,
): BlockGraph {
  const layers = new Layers(config, weights);
  const { channels, resnets, inChannels, latentChannels } = config;
  const factor = downscaling(config);
  const links = [
    layers.convolution("encoder.conv_in", channels[0]),
    ...layers.levels("encoder.down_blocks", channels, {
      resnets,
      sampler: downsampler,
    }),
    ...layers.middle("encoder.mid_block", channels[channels.length - 1]),
    ...layers.normed("encoder.conv_norm_out"),
    layers.convolution("encoder.conv_out", 2 * latentChannels),
    ...config.quantConvolution
      ? [layers.convolution("quant_conv", 2 * latentChannels, 1)]
      : [],
  ];
  const shape = [batch, inChannels, factor * height, factor * width];
  const input = inputOf("image", shape);
  return chain(links, { model: "encoder", input, output: "moments" });
}

/**
 * The decoder's blocks. Input `latents` `[B, Z, H/f, W/f]`, without diffusion's
 * scaling factor; output `decoded` `[B, C, H, W]`.
 */
export function decoderBlockGraph(
  config: AutoencoderConfig,
  weights: WeightSource,
  { batch, height, width }: PictureSize,
): BlockGraph {
  const layers = new Layers(config, weights);
  const { resnets, outChannels, latentChannels } = config;
  const channels = config.channels.toReversed();
  const links = [
    ...config.postQuantConvolution
      ? [layers.convolution("post_quant_conv", latentChannels, 1)]
      : [],
    layers.convolution("decoder.conv_in", channels[0]),
    ...layers.middle("decoder.mid_block", channels[0]),
    ...layers.levels("decoder.up_blocks", channels, {
      resnets: resnets + 1,
      sampler: upsampler,
    }),
    ...layers.normed("decoder.conv_norm_out"),
    layers.convolution("decoder.conv_out", outChannels),
  ];
  const input = inputOf("latents", [batch, latentChannels, height, width]);
  return chain(links, { model: "decoder", input, output: "decoded" });
}

/** Our names of the attention's layers, by their names in Stable Diffusion 1's files. */
const olderNames: Readonly<Record<string, string>> = {
  query: "to_q",
  key: "to_k",
  value: "to_v",
  proj_attn: "to_out.0",
};

export const autoencoderKind: ComponentKind<AutoencoderConfig> = {
  weightFile: "diffusion_pytorch_model.safetensors",
  renamed: (key) =>
    key.replace(
      /(\.attentions\.0\.)(query|key|value|proj_attn)\./,
      (_, path, name) => `${path}${olderNames[name]}.`,
    ),
  original: (file) =>
    leavesOut(file, autoencoderPrefix) ? undefined : originalAutoencoder(file),
  parse: parseAutoencoderConfig,
  parameters(config) {
    const size = { batch: 1, height: 1, width: 1 };
    return new Map([
      ...parameterShapes((weights) => encoderBlockGraph(config, weights, size)),
      ...parameterShapes((weights) => decoderBlockGraph(config, weights, size)),
    ]);
  },
};
