/** A UNet's `unet/config.json`, read strictly into the stages of its two paths: a value that asks for another network is refused. */
import {
  type AllowedValues,
  ConfigJson,
  most,
} from "../../files/config_json.ts";
import { diffusersKeys } from "../../files/library_keys.ts";

/** One resolution of the down or up path. */
export interface UnetStage {
  readonly channels: number;
  readonly resnets: number;
  readonly attention: UnetAttention | null;
}

/** The transformer after a resnet. */
export interface UnetAttention {
  /** Transformer blocks. */
  readonly depth: number;
  readonly heads: number;
}

/** SDXL's conditions besides the text's tokens: pooled text, and numbers embedded as timesteps are. */
export interface AddedConditions {
  /** Width of `text_embeds`. */
  readonly textWidth: number;
  /** Channels of the embedding of each of the {@linkcode timeIdCount} numbers. */
  readonly timeChannels: number;
}

/** Numbers in SDXL's `time_ids`: original height and width, crop top and left, target height and width. */
export const timeIdCount = 6;

/** The part of `unet/config.json` that the network depends on. */
export interface UnetConfig {
  readonly sampleSize: number;
  readonly inChannels: number;
  readonly outChannels: number;
  /** From the highest resolution to the lowest. */
  readonly down: readonly UnetStage[];
  /** The transformer between the two resnets at the lowest resolution; null for a UNet without a middle. */
  readonly middle: UnetAttention | null;
  /** From the lowest resolution to the highest. */
  readonly up: readonly UnetStage[];
  /** Width of `encoder_hidden_states`. */
  readonly textWidth: number;
  /** Whether transformers are entered by linear layers instead of 1x1 convolutions. */
  readonly linearProjection: boolean;
  readonly normGroups: number;
  readonly normEpsilon: number;
  readonly added: AddedConditions | null;
}

/** Keys with only one meaning that {@linkcode UnetConfig} stands for; absent in older files, where diffusers' default is that meaning. */
const required: AllowedValues = {
  _class_name: ["UNet2DConditionModel"],
  act_fn: [undefined, "silu"],
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
  mid_block_only_cross_attention: [undefined, null, false],
  mid_block_scale_factor: [undefined, 1],
  mid_block_type: [undefined, null, "UNetMidBlock2DCrossAttn"],
  num_attention_heads: [undefined, null],
  num_class_embeds: [undefined, null],
  only_cross_attention: [undefined, false],
  resnet_out_scale_factor: [undefined, 1],
  resnet_skip_time_act: [undefined, false],
  resnet_time_scale_shift: [undefined, "default"],
  reverse_transformer_layers_per_block: [undefined, null],
  time_cond_proj_dim: [undefined, null],
  time_embedding_act_fn: [undefined, null],
  time_embedding_dim: [undefined, null],
  time_embedding_type: [undefined, "positional"],
  timestep_post_act: [undefined, null],
  use_linear_projection: [undefined, false, true],
};

/** Keys without a meaning for pictures: of training, of moving averages of weights, and of what {@linkcode required} switches off. */
const harmless = [
  "addition_embed_type_num_heads",
  "addition_time_embed_dim",
  "class_embeddings_concat",
  "dropout",
  "projection_class_embeddings_input_dim",
  "upcast_attention",
  ...["decay", "inv_gamma", "min_decay", "optimization_step", "power"],
  ...["update_after_step", "use_ema_warmup"],
];

/**
 * The configuration of a UNet.
 *
 * @param json Parsed `config.json` of a `UNet2DConditionModel`.
 * @param file Where it came from, for errors.
 * @throws {TypeError} If a key is missing, contradicts another, or asks for another network.
 */
export function parseUnetConfig(json: unknown, file: string): UnetConfig {
  const config = new ConfigJson(json, file, required);
  const parsed: UnetConfig = {
    sampleSize: config.positiveInteger("sample_size", most.side),
    inChannels: config.positiveInteger("in_channels"),
    outChannels: config.positiveInteger("out_channels"),
    ...stagesOf(config),
    textWidth: config.positiveInteger("cross_attention_dim"),
    linearProjection: config.values.use_linear_projection === true,
    normGroups: config.positiveInteger("norm_num_groups"),
    normEpsilon: config.positiveNumber("norm_eps"),
    added: addedConditions(config),
  };
  config.finish(harmless, diffusersKeys);
  checkSizes(config, parsed);
  return parsed;
}

/**
 * Both paths. `attention_head_dim` is a number of heads: diffusers kept the
 * name it first gave it by mistake.
 */
function stagesOf(
  config: ConfigJson,
): Pick<UnetConfig, "down" | "middle" | "up"> {
  const levels = config.levelList("block_out_channels").length;
  const perLevel = (key: string, atMost?: number) =>
    config.positiveIntegers(key, levels, atMost);
  const channels = perLevel("block_out_channels");
  const resnets = perLevel("layers_per_block", most.layersOfLevel);
  const heads = perLevel("attention_head_dim");
  const depths = "transformer_layers_per_block" in config.values
    ? perLevel("transformer_layers_per_block", most.layersOfLevel)
    : Array<number>(levels).fill(1);
  const attends = (direction: "Down" | "Up") =>
    attendingLevels(config, { direction, levels });
  const attention = channels.map((_, i) => ({
    depth: depths[i],
    heads: heads[i],
  }));
  const fromBottom = attends("Up");
  return {
    down: attends("Down").map((attending, i) => ({
      channels: channels[i],
      resnets: resnets[i],
      attention: attending ? attention[i] : null,
    })),
    middle: config.values.mid_block_type === null
      ? null
      : attention[levels - 1],
    up: fromBottom.map((attending, i) => ({
      channels: channels[levels - 1 - i],
      resnets: resnets[levels - 1 - i] + 1,
      attention: attending ? attention[levels - 1 - i] : null,
    })),
  };
}

/** Which blocks of a path have attention, in the path's order. */
function attendingLevels(
  config: ConfigJson,
  { direction, levels }: { direction: "Down" | "Up"; levels: number },
): boolean[] {
  const key = `${direction.toLowerCase()}_block_types`;
  const plain = `${direction}Block2D`;
  const attending = `CrossAttn${plain}`;
  const types = config.levelList(key);
  const known = types.every((type) => type === plain || type === attending);
  if (!known || types.length !== levels) {
    config.refuse(key, `${levels} of "${plain}" or "${attending}"`);
  }
  return types.map((type) => type === attending);
}

function addedConditions(config: ConfigJson): AddedConditions | null {
  if (!config.has("addition_embed_type")) return null;
  const timeChannels = config.positiveInteger("addition_time_embed_dim");
  const key = "projection_class_embeddings_input_dim";
  const textWidth = config.positiveInteger(key) - timeIdCount * timeChannels;
  if (textWidth <= 0) {
    config.refuse(key, `more than ${timeIdCount} x ${timeChannels}`);
  }
  return { textWidth, timeChannels };
}

function checkSizes(config: ConfigJson, parsed: UnetConfig): void {
  const { sampleSize, normGroups, down, middle, up } = parsed;
  const factor = 2 ** (down.length - 1);
  if (sampleSize % factor !== 0) {
    config.refuse("sample_size", `a multiple of ${factor}`);
  }
  if (down[0].channels % 2 !== 0) {
    config.refuse("block_out_channels", "an even number of channels first");
  }
  const lowest = { ...down[down.length - 1], attention: middle };
  for (const { channels, attention } of [...down, lowest, ...up]) {
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
