/** The keys that configurations of diffusion transformers share, read strictly. */
import {
  type AllowedValues,
  type ConfigJson,
  most,
} from "../files/config_json.ts";
import { diffusersKeys } from "../files/library_keys.ts";

/** Sizes of a transformer on the patches of a picture. */
export interface TransformerConfig {
  /** Height and width of the latents that the network was made for. */
  readonly sampleSize: number;
  readonly patchSize: number;
  readonly inChannels: number;
  /** Twice `inChannels` if the variance is learned. */
  readonly outChannels: number;
  readonly layers: number;
  readonly heads: number;
  readonly headWidth: number;
  /** Whether attention stays in float32 in half precision; false by default. */
  readonly upcastAttention?: boolean;
}

/** Width D of the residual stream. */
export const widthOf = (
  { heads, headWidth }: Pick<TransformerConfig, "heads" | "headWidth">,
): number => heads * headWidth;

/** Keys with the values that our transformers support; newer files lack keys that allow `undefined`. */
export const transformerKeys: AllowedValues = {
  activation_fn: ["gelu-approximate"],
  attention_bias: [true],
  norm_elementwise_affine: [false],
  upcast_attention: [false, true],
  attention_type: [undefined, "default"],
  double_self_attention: [undefined, false],
  num_vector_embeds: [undefined, null],
  only_cross_attention: [undefined, false],
};

/** diffusers' values of absent keys, in the classes that have {@linkcode transformerKeys}. */
export const transformerDefaults = {
  activation_fn: "gelu-approximate",
  attention_bias: true,
  attention_head_dim: 72,
  in_channels: 4,
  norm_elementwise_affine: false,
  num_attention_heads: 16,
  num_embeds_ada_norm: 1000,
  num_layers: 28,
  patch_size: 2,
  upcast_attention: false,
};

/** Keys that a transformer on patches, with norms without weights, does not use. */
export const unusedTransformerKeys: readonly string[] = [
  ...diffusersKeys,
  "dropout",
  "norm_num_groups",
  "use_linear_projection",
];

/**
 * Reads the sizes in a transformer's `config.json`; other keys are left to the caller.
 *
 * @throws {TypeError} If a key is missing, contradicts another, or asks for another network.
 */
export function transformerConfig(config: ConfigJson): TransformerConfig {
  const inChannels = config.positiveInteger("in_channels");
  const parsed: TransformerConfig = {
    sampleSize: config.positiveInteger("sample_size", most.side),
    patchSize: config.positiveInteger("patch_size"),
    inChannels,
    outChannels: config.has("out_channels")
      ? config.positiveInteger("out_channels")
      : inChannels,
    layers: config.positiveInteger("num_layers", most.layers),
    heads: config.positiveInteger("num_attention_heads"),
    headWidth: config.positiveInteger("attention_head_dim"),
    upcastAttention: config.value("upcast_attention") === true,
  };
  checkSizes(config, parsed);
  return parsed;
}

/** Refuses output channels other than the latents', or twice as many for a learned variance. */
export function checkOutputs(
  config: ConfigJson,
  { inChannels, outChannels }: TransformerConfig,
): void {
  if (outChannels === inChannels || outChannels === 2 * inChannels) return;
  config.refuse(
    "out_channels",
    `${inChannels} as in_channels, or twice as many where the variance is learned`,
  );
}

function checkSizes(config: ConfigJson, parsed: TransformerConfig): void {
  const { sampleSize, patchSize, heads } = parsed;
  if (sampleSize % patchSize !== 0) {
    config.refuse("patch_size", `a divisor of sample_size ${sampleSize}`);
  }
  if (widthOf(parsed) % 4 !== 0 || widthOf(parsed) > most.width) {
    config.refuse(
      "attention_head_dim",
      `a width that gives a multiple of 4, at most ${most.width}, over ${heads} heads`,
    );
  }
}
