/** FLUX.1's `transformer/config.json`, read strictly: a value that asks for another network is refused. */
import {
  type AllowedValues,
  ConfigJson,
  most,
} from "../../files/config_json.ts";
import { diffusersKeys } from "../../files/library_keys.ts";
import { widthOf } from "../transformer_config.ts";

const allowed: AllowedValues = {
  _class_name: ["FluxTransformer2DModel"],
  guidance_embeds: [false, true],
  patch_size: [1],
};

/** diffusers' values of keys that a file leaves out. */
const defaults = {
  attention_head_dim: 128,
  axes_dims_rope: [16, 56, 56],
  guidance_embeds: false,
  in_channels: 64,
  joint_attention_dim: 4096,
  num_attention_heads: 24,
  num_layers: 19,
  num_single_layers: 38,
  out_channels: null,
  patch_size: 1,
  pooled_projection_dim: 768,
};

/** Latents along each side of the square that a token packs. */
const packed = 2;
/** Side of the latents of 1024x1024 pixels, which the pipeline takes by default. */
const usualSampleSize = 128;

/** The part of `transformer/config.json` that the network depends on; channels are counted before packing. */
export type FluxConfig = Readonly<ReturnType<typeof parseFluxConfig>>;

/**
 * The configuration of a FLUX.1, from the parsed `config.json` of a `FluxTransformer2DModel`.
 *
 * @throws {TypeError} If a key contradicts another, is unknown, or asks for another network.
 */
export function parseFluxConfig(json: unknown, file: string) {
  const config = new ConfigJson(json, file, allowed, defaults);
  const tokenWidth = config.positiveInteger("in_channels");
  if (tokenWidth % packed ** 2 !== 0) {
    config.refuse("in_channels", `a multiple of ${packed ** 2}`);
  }
  config.requireOneOf("out_channels", [null, tokenWidth]);
  const channels = tokenWidth / packed ** 2;
  const parsed = {
    sampleSize: usualSampleSize,
    patchSize: packed,
    inChannels: channels,
    outChannels: channels,
    layers: config.positiveInteger("num_layers", most.layers),
    /** Blocks on one stream of text and picture, after the `layers` on two. */
    singleLayers: config.positiveInteger("num_single_layers", most.layers),
    heads: config.positiveInteger("num_attention_heads"),
    headWidth: config.positiveInteger("attention_head_dim"),
    /** Width of `encoder_hidden_states`. */
    textWidth: config.positiveInteger("joint_attention_dim"),
    /** Width of `pooled_projections`. */
    pooledWidth: config.positiveInteger("pooled_projection_dim"),
    /** Whether the scale of guidance is an input: the network was distilled from guided samples (FLUX.1 dev). */
    guidanceEmbeds: config.value("guidance_embeds") === true,
    /** Channels of a head that are rotated by the text's position, the row and the column. */
    rotaryAxes: [config.value("axes_dims_rope")].flat() as readonly number[],
  };
  checkHeads(config, parsed);
  config.finish(diffusersKeys);
  return parsed;
}

function checkHeads(
  config: ConfigJson,
  parsed: { rotaryAxes: readonly number[]; heads: number; headWidth: number },
): void {
  const { rotaryAxes, headWidth } = parsed;
  const areEven = rotaryAxes.every((count) => count >= 0 && count % 2 === 0);
  const sum = rotaryAxes.reduce((a, b) => a + b, 0);
  if (sum !== headWidth || !areEven || rotaryAxes.length !== 3) {
    config.refuse(
      "axes_dims_rope",
      `three even numbers that add up to attention_head_dim ${headWidth}`,
    );
  }
  if (widthOf(parsed) > most.width) {
    config.refuse("num_attention_heads", `a width of at most ${most.width}`);
  }
}
