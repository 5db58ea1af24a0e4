/** What the configurations of diffusion transformers have in common, read strictly. */
import {
  type ConfigJson,
  most,
  positiveInteger,
  refuse,
  requireOneOf,
} from "../files/config_json.ts";

/** Sizes of a transformer on the patches of a picture. */
export interface TransformerConfig {
  /** Height and width of the latents that it was made for. */
  readonly sampleSize: number;
  readonly patchSize: number;
  readonly inChannels: number;
  /** Twice `inChannels` where the variance is learned. */
  readonly outChannels: number;
  readonly layers: number;
  readonly heads: number;
  readonly headWidth: number;
}

/** Width D of the residual stream. */
export const widthOf = (
  { heads, headWidth }: Pick<TransformerConfig, "heads" | "headWidth">,
): number => heads * headWidth;

/** Keys with only one meaning that our transformers stand for; diffusers leaves the later ones out of newer files. */
const required: Readonly<Record<string, readonly unknown[]>> = {
  activation_fn: ["gelu-approximate"],
  attention_bias: [true],
  norm_elementwise_affine: [false],
  attention_type: [undefined, "default"],
  double_self_attention: [undefined, false],
  num_vector_embeds: [undefined, null],
  only_cross_attention: [undefined, false],
};

/**
 * The sizes in a transformer's `config.json`.
 *
 * @throws {TypeError} If a key is missing, contradicts another, or asks for another network.
 */
export function transformerConfig(config: ConfigJson): TransformerConfig {
  for (const [key, allowed] of Object.entries(required)) {
    requireOneOf(config, key, allowed);
  }
  const inChannels = positiveInteger(config, "in_channels");
  const parsed: TransformerConfig = {
    sampleSize: positiveInteger(config, "sample_size", most.side),
    patchSize: positiveInteger(config, "patch_size"),
    inChannels,
    outChannels: (config.values.out_channels ?? null) === null
      ? inChannels
      : positiveInteger(config, "out_channels"),
    layers: positiveInteger(config, "num_layers", most.layers),
    heads: positiveInteger(config, "num_attention_heads"),
    headWidth: positiveInteger(config, "attention_head_dim"),
  };
  checkSizes(config, parsed);
  return parsed;
}

function checkSizes(config: ConfigJson, parsed: TransformerConfig): void {
  const { sampleSize, patchSize, heads } = parsed;
  if (sampleSize % patchSize !== 0) {
    refuse(config, "patch_size", `a divisor of sample_size ${sampleSize}`);
  }
  if (widthOf(parsed) % 4 !== 0 || widthOf(parsed) > most.width) {
    refuse(
      config,
      "attention_head_dim",
      `a width that gives a multiple of 4, at most ${most.width}, over ${heads} heads`,
    );
  }
}
