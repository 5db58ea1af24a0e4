/** An autoencoder's `vae/config.json`, read strictly: a value that asks for another network is refused. */
import {
  type AllowedValues,
  ConfigJson,
  most,
} from "../../files/config_json.ts";
import { diffusersKeys } from "../../files/library_keys.ts";

/** The part of `vae/config.json` that the networks depend on. */
export interface AutoencoderConfig {
  /** Channels of the pictures. */
  readonly inChannels: number;
  readonly outChannels: number;
  readonly latentChannels: number;
  /** Channels at each resolution, from the picture's to the latents'; each halves the one before. */
  readonly channels: readonly number[];
  /** Residual blocks at each resolution on the way down; the way up has one more. */
  readonly resnets: number;
  readonly normGroups: number;
  /** Diffusion works on latents less this, … */
  readonly shiftFactor: number;
  /** … times this. */
  readonly scalingFactor: number;
  /** Whether a 1x1 convolution makes the encoder's moments. */
  readonly quantConvolution: boolean;
  /** Whether one reads the decoder's latents. */
  readonly postQuantConvolution: boolean;
  /** Whether the middle attends between its two residual blocks. */
  readonly middleAttention: boolean;
  /** Whether the networks stay in float32 where all else is in float16, which their activations pass. Files older than the key are of networks that do not. */
  readonly forceUpcast: boolean;
  /** Side of the pictures that it was made for: the side of a tile where larger ones are decoded in tiles. */
  readonly sampleSize: number;
}

/** Stable Diffusion 1's, which files older than the key mean. */
const firstScalingFactor = 0.18215;

/** Keys with only one meaning that {@linkcode AutoencoderConfig} stands for; absent in older files, where diffusers' default is that meaning. */
const required: AllowedValues = {
  _class_name: ["AutoencoderKL"],
  act_fn: [undefined, "silu"],
  force_upcast: [undefined, true, false],
  latents_mean: [undefined, null],
  latents_std: [undefined, null],
  mid_block_add_attention: [undefined, true, false],
  use_post_quant_conv: [undefined, true, false],
  use_quant_conv: [undefined, true, false],
};

/** diffusers' own where a file does not say. */
const usualSampleSize = 32;

/** Of height and width the first, as diffusers takes it. */
function sampleSize(config: ConfigJson): number {
  const key = "sample_size";
  return config.has(key)
    ? config.positiveIntegers(key, 2, most.side)[0]
    : usualSampleSize;
}

/**
 * The configuration of an autoencoder.
 *
 * @param json Parsed `config.json` of an `AutoencoderKL`.
 * @param file Where it came from, for errors.
 * @throws {TypeError} If a key is missing, contradicts another, or asks for another network.
 */
export function parseAutoencoderConfig(
  json: unknown,
  file: string,
): AutoencoderConfig {
  const config = new ConfigJson(json, file, required);
  const levels = config.levelList("block_out_channels").length;
  const channels = config.positiveIntegers("block_out_channels", levels);
  const types = {
    down_block_types: "DownEncoderBlock2D",
    up_block_types: "UpDecoderBlock2D",
  };
  for (const [key, type] of Object.entries(types)) {
    const found = config.levelList(key);
    if (found.length !== levels || found.some((each) => each !== type)) {
      config.refuse(key, `${levels} of "${type}"`);
    }
  }
  const normGroups = config.positiveInteger("norm_num_groups");
  if (channels.some((count) => count % normGroups !== 0)) {
    config.refuse("norm_num_groups", `a divisor of all of ${channels}`);
  }
  const parsed = {
    inChannels: config.positiveInteger("in_channels"),
    outChannels: config.positiveInteger("out_channels"),
    latentChannels: config.positiveInteger("latent_channels"),
    channels,
    resnets: config.positiveInteger("layers_per_block", most.layersOfLevel),
    normGroups,
    scalingFactor: "scaling_factor" in config.values
      ? config.positiveNumber("scaling_factor")
      : firstScalingFactor,
    shiftFactor: config.has("shift_factor")
      ? config.anyNumber("shift_factor")
      : 0,
    quantConvolution: config.values.use_quant_conv !== false,
    postQuantConvolution: config.values.use_post_quant_conv !== false,
    middleAttention: config.values.mid_block_add_attention !== false,
    forceUpcast: config.values.force_upcast === true,
    sampleSize: sampleSize(config),
  };
  config.finish(diffusersKeys);
  return parsed;
}
