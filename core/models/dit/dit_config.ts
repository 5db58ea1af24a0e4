/** A DiT's `transformer/config.json`, read strictly: a value that asks for another network is refused. */
import { type AllowedValues, ConfigJson } from "../../files/config_json.ts";
import {
  checkOutputs,
  transformerConfig,
  transformerDefaults,
  transformerKeys,
  unusedTransformerKeys,
} from "../transformer_config.ts";

/** Writes a configuration as diffusers' `config.json`, which {@linkcode parseDitConfig} reads. */
export const ditConfigJson = (config: DitConfig) => ({
  _class_name: "DiTTransformer2DModel",
  activation_fn: "gelu-approximate",
  attention_bias: true,
  attention_head_dim: config.headWidth,
  in_channels: config.inChannels,
  norm_elementwise_affine: false,
  norm_eps: config.normEpsilon,
  norm_type: "ada_norm_zero",
  num_attention_heads: config.heads,
  num_embeds_ada_norm: config.classes,
  num_layers: config.layers,
  out_channels: config.outChannels,
  patch_size: config.patchSize,
  sample_size: config.sampleSize,
});

/** Keys with the values that this network supports; newer files leave out the keys of other networks. */
const required: AllowedValues = {
  ...transformerKeys,
  _class_name: ["Transformer2DModel", "DiTTransformer2DModel"],
  norm_type: ["ada_norm_zero"],
  caption_channels: [undefined, null],
  cross_attention_dim: [undefined, null],
  interpolation_scale: [undefined, null, 1],
  use_additional_conditions: [undefined, null, false],
};

/** diffusers' values of keys that a file leaves out. */
const defaults = {
  ...transformerDefaults,
  norm_eps: 1e-5,
  norm_type: "ada_norm_zero",
  sample_size: 32,
};

export type DitConfig = Readonly<ReturnType<typeof parseDitConfig>>;

/**
 * The configuration of a DiT, from the parsed `config.json` of a
 * `Transformer2DModel` or `DiTTransformer2DModel`.
 *
 * @throws {TypeError} If a key is missing, contradicts another, or asks for another network.
 */
export function parseDitConfig(json: unknown, file: string) {
  const config = new ConfigJson(json, file, required, defaults);
  const parsed = {
    ...transformerConfig(config),
    /** Number of classes, which is also the index of guidance's null class. */
    classes: config.positiveInteger("num_embeds_ada_norm"),
    /** ε of the norm before the MLP; the other norms have 1e-6. */
    normEpsilon: config.positiveNumber("norm_eps"),
  };
  checkOutputs(config, parsed);
  config.finish(unusedTransformerKeys);
  return parsed;
}
