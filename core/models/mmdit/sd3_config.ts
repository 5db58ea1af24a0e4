/** The `transformer/config.json` of Stable Diffusion 3 and 3.5, read strictly: a value that asks for another network is refused. */
import {
  type AllowedValues,
  ConfigJson,
  most,
} from "../../files/config_json.ts";
import { diffusersKeys } from "../../files/library_keys.ts";
import {
  type TransformerConfig,
  transformerConfig,
  widthOf,
} from "../transformer_config.ts";

/** The part of `transformer/config.json` that the network depends on. */
export interface Sd3Config extends TransformerConfig {
  /** Width of `encoder_hidden_states`. */
  readonly textWidth: number;
  /** Width of `pooled_projections`. */
  readonly pooledWidth: number;
  /** Rows and columns of the table of positions, of which a picture takes the middle. */
  readonly positions: number;
  /** Blocks whose picture tokens also attend to each other alone (SD3.5 medium's MMDiT-X). */
  readonly dualLayers: readonly number[];
  /** Whether queries and keys have an RMS norm of each head (SD3.5). */
  readonly normsHeads: boolean;
}

const allowed: AllowedValues = {
  _class_name: ["SD3Transformer2DModel"],
  qk_norm: [null, "rms_norm"],
};

/** As diffusers has them where a file does not say. */
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

/**
 * The configuration of an SD3 or SD3.5.
 *
 * @param json Parsed `config.json` of an `SD3Transformer2DModel`.
 * @param file Where it came from, for errors.
 * @throws {TypeError} If a key contradicts another, is unknown, or asks for another network.
 */
export function parseSd3Config(json: unknown, file: string): Sd3Config {
  const config = new ConfigJson(json, file, allowed, defaults);
  const sizes = transformerConfig(config);
  config.requireOneOf("caption_projection_dim", [widthOf(sizes)]);
  const parsed: Sd3Config = {
    ...sizes,
    textWidth: config.positiveInteger("joint_attention_dim"),
    pooledWidth: config.positiveInteger("pooled_projection_dim"),
    positions: config.positiveInteger("pos_embed_max_size", most.side),
    dualLayers: dualLayers(config),
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
