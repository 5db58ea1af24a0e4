/** A DiT's `transformer/config.json`, read strictly: what our network would compute differently is refused. */
import {
  type ConfigJson,
  configJson,
  positiveInteger,
  positiveNumber,
  refuse,
  requireOneOf,
} from "./config_json.ts";
import type { DitConfig } from "./dit.ts";

/** Keys with only one value that {@linkcode DitConfig} stands for. */
const required: Readonly<Record<string, readonly unknown[]>> = {
  _class_name: ["Transformer2DModel", "DiTTransformer2DModel"],
  norm_type: ["ada_norm_zero"],
  activation_fn: ["gelu-approximate"],
  attention_bias: [true],
  norm_elementwise_affine: [false],
};

/** Keys of `Transformer2DModel` that other networks use; diffusers leaves them out of newer files. */
const unused: Readonly<Record<string, readonly unknown[]>> = {
  attention_type: [undefined, "default"],
  caption_channels: [undefined, null],
  cross_attention_dim: [undefined, null],
  double_self_attention: [undefined, false],
  interpolation_scale: [undefined, null, 1],
  num_vector_embeds: [undefined, null],
  only_cross_attention: [undefined, false],
  use_additional_conditions: [undefined, null, false],
};

/** diffusers scales the positions of `Transformer2DModel` by ⌊sample_size / 64⌋, which is 1 below this. */
const sampleSizeLimit = 128;

/**
 * The configuration of a DiT.
 *
 * @param json Parsed `config.json` of a `Transformer2DModel` or `DiTTransformer2DModel`.
 * @param file Where it came from, for errors.
 * @throws {TypeError} If a key is missing, contradicts another, or asks for another network.
 */
export function parseDitConfig(json: unknown, file: string): DitConfig {
  const config = configJson(json, file);
  for (const [key, allowed] of Object.entries({ ...required, ...unused })) {
    requireOneOf(config, key, allowed);
  }
  const inChannels = positiveInteger(config, "in_channels");
  const parsed: DitConfig = {
    sampleSize: positiveInteger(config, "sample_size"),
    patchSize: positiveInteger(config, "patch_size"),
    inChannels,
    outChannels: (config.values.out_channels ?? null) === null
      ? inChannels
      : positiveInteger(config, "out_channels"),
    layers: positiveInteger(config, "num_layers"),
    heads: positiveInteger(config, "num_attention_heads"),
    headWidth: positiveInteger(config, "attention_head_dim"),
    classes: positiveInteger(config, "num_embeds_ada_norm"),
    normEpsilon: positiveNumber(config, "norm_eps"),
  };
  checkSizes(config, parsed);
  return parsed;
}

function checkSizes(config: ConfigJson, parsed: DitConfig): void {
  const { sampleSize, patchSize, heads, headWidth } = parsed;
  if (sampleSize >= sampleSizeLimit) {
    refuse(config, "sample_size", `less than ${sampleSizeLimit}`);
  }
  if (sampleSize % patchSize !== 0) {
    refuse(config, "patch_size", `a divisor of sample_size ${sampleSize}`);
  }
  if ((heads * headWidth) % 4 !== 0) {
    refuse(
      config,
      "attention_head_dim",
      `a width that gives a multiple of 4 over ${heads} heads`,
    );
  }
}
