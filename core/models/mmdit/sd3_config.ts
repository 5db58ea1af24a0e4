/** The `transformer/config.json` of Stable Diffusion 3 and 3.5, read strictly: a value that asks for another network is refused. */
import {
  type AllowedValues,
  ConfigJson,
  most,
} from "../../files/config_json.ts";
import { diffusersKeys } from "../../files/library_keys.ts";
import { transformerConfig, widthOf } from "../transformer_config.ts";

const allowed: AllowedValues = {
  _class_name: ["SD3Transformer2DModel"],
  qk_norm: [null, "rms_norm"],
};

/** diffusers' values of keys that a file leaves out. */
const defaults = {
  attention_head_dim: 64,
  caption_projection_dim: 1152,
  dual_attention_layers: [],
  in_channels: 16,
  joint_attention_dim: 4096,
  num_attention_heads: 18,
  num_layers: 18,
  out_channels: 16,
  patch_size: 2,
  pooled_projection_dim: 2048,
  pos_embed_max_size: 96,
  qk_norm: null,
  sample_size: 128,
};

export type Sd3Config = Readonly<ReturnType<typeof parseSd3Config>>;

/**
 * The configuration of an SD3 or SD3.5, from the parsed `config.json` of an `SD3Transformer2DModel`.
 *
 * @throws {TypeError} If a key contradicts another, is unknown, or asks for another network.
 */
export function parseSd3Config(json: unknown, file: string) {
  const config = new ConfigJson(json, file, allowed, defaults);
  const sizes = transformerConfig(config);
  config.requireOneOf("caption_projection_dim", [widthOf(sizes)]);
  const parsed = {
    ...sizes,
    /** Width of `encoder_hidden_states`. */
    textWidth: config.positiveInteger("joint_attention_dim"),
    /** Width of `pooled_projections`. */
    pooledWidth: config.positiveInteger("pooled_projection_dim"),
    /** Rows and columns of the table of positions, of which a picture takes the middle. */
    positions: config.positiveInteger("pos_embed_max_size", most.side),
    /** Blocks whose picture tokens also attend to each other alone (SD3.5 medium's MMDiT-X). */
    dualLayers: dualLayers(config),
    /** Whether queries and keys have an RMS norm of each head (SD3.5). */
    normsHeads: config.value("qk_norm") === "rms_norm",
  };
  config.finish(diffusersKeys);
  return parsed;
}

function dualLayers(config: ConfigJson): readonly number[] {
  const key = "dual_attention_layers";
  const list = config.value(key);
  return Array.isArray(list) && list.length <= most.layers &&
      list.every((layer) => Number.isSafeInteger(layer) && layer >= 0)
    ? list
    : config.refuse(key, "a list of blocks, counted from 0");
}
