/** A UNet's `unet/config.json`, read strictly: a value that asks for another network is refused. */
import {
  type AllowedValues,
  ConfigJson,
  most,
} from "../../files/config_json.ts";
import { diffusersKeys } from "../../files/library_keys.ts";
import { stagesOf } from "./unet_stages.ts";

/** SDXL's conditions besides the text's tokens: pooled text, and numbers embedded like timesteps. */
export interface AddedConditions {
  /** Width of `text_embeds`. */
  readonly textWidth: number;
  /** Length of `time_ids`: 6 for original size, crop offset and target size; 5 in the refiner, an aesthetic score last. */
  readonly timeIds: number;
  /** Channels of the embedding of each number. */
  readonly timeChannels: number;
}

/** diffusers' values of keys that older files lack. */
export const unetDefaults = {
  attention_head_dim: 8,
  block_out_channels: [320, 640, 1280, 1280],
  cross_attention_dim: 1280,
  down_block_types: [
    "CrossAttnDownBlock2D",
    "CrossAttnDownBlock2D",
    "CrossAttnDownBlock2D",
    "DownBlock2D",
  ],
  in_channels: 4,
  layers_per_block: 2,
  mid_block_type: "UNetMidBlock2DCrossAttn",
  norm_eps: 1e-5,
  norm_num_groups: 32,
  out_channels: 4,
  transformer_layers_per_block: 1,
  up_block_types: [
    "UpBlock2D",
    "CrossAttnUpBlock2D",
    "CrossAttnUpBlock2D",
    "CrossAttnUpBlock2D",
  ],
};

/** Keys with the values that this network supports; older files lack keys, whose defaults it supports. */
const required: AllowedValues = {
  _class_name: ["UNet2DConditionModel"],
  act_fn: [undefined, "silu", "swish"],
  addition_embed_type: [undefined, null, "text_time"],
  attention_type: [undefined, "default"],
  center_input_sample: [undefined, false],
  class_embed_type: [undefined, null],
  conv_in_kernel: [undefined, 3],
  conv_out_kernel: [undefined, 3],
  cross_attention_norm: [undefined, null],
  downsample_padding: [undefined, 1],
  dual_cross_attention: [undefined, false],
  encoder_hid_dim: [undefined, null],
  encoder_hid_dim_type: [undefined, null],
  flip_sin_to_cos: [undefined, true],
  freq_shift: [undefined, 0],
  mid_block_only_cross_attention: [undefined, false],
  mid_block_scale_factor: [undefined, 1],
  num_attention_heads: [undefined, null],
  num_class_embeds: [undefined, null],
  only_cross_attention: [undefined, false],
  resnet_out_scale_factor: [undefined, 1],
  resnet_skip_time_act: [undefined, false],
  resnet_time_scale_shift: [undefined, "default"],
  time_embedding_act_fn: [undefined, null],
  time_embedding_dim: [undefined, null],
  time_embedding_type: [undefined, "positional"],
  timestep_post_act: [undefined, null],
  upcast_attention: [undefined, false, true],
  use_linear_projection: [undefined, false, true],
};

/** Keys that change no picture: of training, of moving averages, of parts that {@linkcode required} switches off. */
const harmless = [
  "addition_embed_type_num_heads",
  "addition_time_embed_dim",
  "class_embeddings_concat",
  "dropout",
  "projection_class_embeddings_input_dim",
  ...["decay", "inv_gamma", "min_decay", "optimization_step", "power"],
  ...["update_after_step", "use_ema_warmup"],
];

export type UnetConfig = Readonly<ReturnType<typeof parseUnetConfig>>;

/**
 * The configuration of a UNet, from the parsed `config.json` of a `UNet2DConditionModel`.
 *
 * @throws {TypeError} If a key contradicts another, or asks for another network.
 */
export function parseUnetConfig(json: unknown, file: string) {
  const config = new ConfigJson(json, file, required, unetDefaults);
  const textWidth = textWidthOf(config);
  const guidance = "time_cond_proj_dim";
  const parsed = {
    /** Height and width of the latents that the network was trained with. */
    sampleSize: sampleSizeOf(config),
    ...channelsOf(config),
    ...stagesOf(config),
    /** Width of `encoder_hidden_states`. */
    textWidth,
    /** Whether transformers project in and out by linear layers instead of 1x1 convolutions. */
    linearProjection: config.value("use_linear_projection") === true,
    /** Whether attention computes in float32 in every precision. */
    upcastAttention: config.value("upcast_attention") === true,
    normGroups: config.positiveInteger("norm_num_groups"),
    normEpsilon: config.positiveNumber("norm_eps"),
    added: addedConditions(config, textWidth),
    /** Width of a latent consistency model's embedded guidance scale; null in other networks. */
    guidanceChannels: config.has(guidance)
      ? config.positiveInteger(guidance)
      : null,
  };
  config.finish(harmless, diffusersKeys);
  checkSizes(config, parsed);
  return parsed;
}

/** Stable Diffusion 1's side of latents; files of diffusers before 0.9 may have half of it, and are then corrected as there. */
const earlySampleSize = 64;

/** The side of the latents. @throws {TypeError} If the sides differ. */
function sampleSizeOf(config: ConfigJson): number {
  const key = "sample_size";
  const [side, other] = config.positiveIntegers(key, 2, most.side);
  if (side !== other) config.refuse(key, "equal sides");
  const isEarly = /^0\.[0-8]\./.test(`${config.value("_diffusers_version")}`);
  return isEarly ? Math.max(side, earlySampleSize) : side;
}

/** The latents' channels in and out; a network that reads one channel more than twice the latents' inpaints. */
function channelsOf(config: ConfigJson) {
  const outChannels = config.positiveInteger("out_channels");
  const found = config.positiveInteger("in_channels");
  const masked = 2 * outChannels + 1;
  if (found !== outChannels && found !== masked) {
    config.refuse(
      "in_channels",
      `${outChannels} as out_channels, or ${masked} for inpainting`,
    );
  }
  return {
    inChannels: outChannels,
    outChannels,
    /** Whether the network also reads a mask and the latents of the picture around the mask, to inpaint. */
    inpaints: found === masked,
  };
}

/** Width of the text's features, which every level reads. */
function textWidthOf(config: ConfigJson): number {
  const key = "cross_attention_dim";
  const levels = config.levelList("block_out_channels").length;
  const [width, ...others] = config.positiveIntegers(key, levels);
  if (others.some((each) => each !== width)) {
    config.refuse(key, "the same width at each level: all read one text");
  }
  return width;
}

/** Reads SDXL's conditions: 5 `time_ids` if pooled text then has the text's width, as in the refiner, else 6. */
function addedConditions(
  config: ConfigJson,
  tokenWidth: number,
): AddedConditions | null {
  if (!config.has("addition_embed_type")) return null;
  const timeChannels = config.positiveInteger("addition_time_embed_dim");
  const key = "projection_class_embeddings_input_dim";
  const width = config.positiveInteger(key);
  const timeIds = width - 5 * timeChannels === tokenWidth ? 5 : 6;
  const textWidth = width - timeIds * timeChannels;
  if (textWidth <= 0) config.refuse(key, `more than 6 x ${timeChannels}`);
  return { textWidth, timeIds, timeChannels };
}

/** The same conditions with an aesthetic score instead of the target size, or with the target size. */
export function withTimeIds(
  { textWidth, timeIds, timeChannels }: AddedConditions,
  readsScore: boolean,
): AddedConditions {
  const width = textWidth + timeIds * timeChannels;
  const own = readsScore ? 5 : 6;
  return { textWidth: width - own * timeChannels, timeIds: own, timeChannels };
}

function checkSizes(
  config: ConfigJson,
  { normGroups, down, middle, up }:
    & ReturnType<typeof stagesOf>
    & { normGroups: number },
): void {
  if (down[0].channels % 2 !== 0) {
    config.refuse("block_out_channels", "an even number of channels first");
  }
  const { channels } = down[down.length - 1];
  const inMiddle = middle.map((attention) => ({ channels, attention }));
  for (const { channels, attention } of [...down, ...inMiddle, ...up]) {
    if (channels % normGroups !== 0) {
      config.refuse("norm_num_groups", `a divisor of ${channels} channels`);
    }
    if (attention && channels % attention.heads !== 0) {
      config.refuse(
        "attention_head_dim",
        `numbers of heads that divide ${channels} channels`,
      );
    }
  }
}
