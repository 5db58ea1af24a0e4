/** An autoencoder's `vae/config.json`, read strictly: a value that asks for another network is refused. */
import {
  type AllowedValues,
  ConfigJson,
  most,
} from "../../files/config_json.ts";
import { diffusersKeys } from "../../files/library_keys.ts";

/** Keys with the values that the networks support; older files lack keys, whose defaults are supported. */
const required: AllowedValues = {
  _class_name: ["AutoencoderKL"],
  act_fn: [undefined, "silu", "swish"],
  force_upcast: [undefined, true, false],
  mid_block_add_attention: [undefined, true, false],
  use_post_quant_conv: [undefined, true, false],
  use_quant_conv: [undefined, true, false],
};

/** diffusers' values of keys that a file leaves out: the earliest files lack the norms' groups and the factor. */
const defaults = {
  block_out_channels: [64],
  down_block_types: ["DownEncoderBlock2D"],
  in_channels: 3,
  latent_channels: 4,
  layers_per_block: 1,
  norm_num_groups: 32,
  out_channels: 3,
  scaling_factor: 0.18215,
  up_block_types: ["UpDecoderBlock2D"],
};
const usualSampleSize = 32;

/** The latents' statistics, `[Z]` each; undefined if a file lacks either, as in diffusers. */
function statisticsOf(config: ConfigJson) {
  const [mean, deviation] = ["latents_mean", "latents_std"].map((key) => {
    if (!config.has(key)) return undefined;
    const list = config.value(key);
    const count = config.positiveInteger("latent_channels");
    const isOne = (own: unknown) =>
      Number.isFinite(own) && (key === "latents_mean" || own as number > 0);
    if (Array.isArray(list) && list.length === count && list.every(isOne)) {
      return list as number[];
    }
    return config.refuse(
      key,
      `a list of ${count} numbers, and deviations above 0`,
    );
  });
  return mean && deviation && { mean, deviation };
}

/** The part of `vae/config.json` that the networks depend on. */
export type AutoencoderConfig = Readonly<
  ReturnType<typeof parseAutoencoderConfig>
>;

/**
 * The configuration of an autoencoder, from the parsed `config.json` of an `AutoencoderKL`.
 *
 * @throws {TypeError} If a key contradicts another, is unknown, or asks for another network.
 */
export function parseAutoencoderConfig(json: unknown, file: string) {
  const config = new ConfigJson(json, file, required, defaults);
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
    /** Channels of the pictures. */
    inChannels: config.positiveInteger("in_channels"),
    outChannels: config.positiveInteger("out_channels"),
    latentChannels: config.positiveInteger("latent_channels"),
    /** Channels at each resolution, from the picture's to the latents'; each resolution is half the one before. */
    channels,
    /** Residual blocks at each resolution on the way down; the way up has one more. */
    resnets: config.positiveInteger("layers_per_block", most.layersOfLevel),
    normGroups,
    /** Diffusion works on (latents − `shiftFactor`) · `scalingFactor`. */
    scalingFactor: config.positiveNumber("scaling_factor"),
    shiftFactor: config.has("shift_factor")
      ? config.anyNumber("shift_factor")
      : 0,
    /** Mean and deviation of each channel of the autoencoder's latents, which SDXL's files may have beside the factor. */
    statistics: statisticsOf(config),
    /** Whether a 1x1 convolution ends the encoder, and whether one begins the decoder. */
    quantConvolution: config.values.use_quant_conv !== false,
    postQuantConvolution: config.values.use_post_quant_conv !== false,
    /** Whether the middle attends between its two residual blocks. */
    middleAttention: config.values.mid_block_add_attention !== false,
    /** Whether the networks stay in float32 in half precision, which activations exceed; false if a file lacks the key. */
    forceUpcast: config.values.force_upcast === true,
    /** Side of the pictures it was made for (the first of two, as in diffusers), and of tiles if larger ones are tiled. */
    sampleSize: config.has("sample_size")
      ? config.positiveIntegers("sample_size", 2, most.side)[0]
      : usualSampleSize,
  };
  config.finish(diffusersKeys);
  return parsed;
}
