/** A PixArt's `transformer/config.json`, read strictly: a value that asks for another network is refused. */
import { type AllowedValues, ConfigJson } from "../../files/config_json.ts";
import {
  checkOutputs,
  type TransformerConfig,
  transformerConfig,
  transformerDefaults,
  transformerKeys,
  unusedTransformerKeys,
  widthOf,
} from "../transformer_config.ts";

/** Keys with the values that this network supports. */
const required: AllowedValues = {
  ...transformerKeys,
  _class_name: ["Transformer2DModel", "PixArtTransformer2DModel"],
  norm_type: ["ada_norm_single"],
  use_additional_conditions: [undefined, null, false, true],
};

/** diffusers' values of keys that a file leaves out. */
const defaults = {
  ...transformerDefaults,
  cross_attention_dim: 1152,
  norm_eps: 1e-6,
  norm_type: "ada_norm_single",
  out_channels: 8,
  sample_size: 128,
};

/** The `sample_size` of 1024x1024 pixels: in older files, which lack the key, only this size has micro-conditions. */
const microSampleSize = 128;

export type PixartConfig = Readonly<ReturnType<typeof parsePixartConfig>>;

/**
 * The configuration of a PixArt, from the parsed `config.json` of a
 * `Transformer2DModel` or `PixArtTransformer2DModel`.
 *
 * @throws {TypeError} If a key is missing, contradicts another, or asks for another network.
 */
export function parsePixartConfig(json: unknown, file: string) {
  const config = new ConfigJson(json, file, required, defaults);
  const sizes = transformerConfig(config);
  const micro = config.value("use_additional_conditions");
  const projectsText = config.has("caption_channels");
  const textKey = projectsText ? "caption_channels" : "cross_attention_dim";
  const parsed = {
    ...sizes,
    /** Width of `encoder_hidden_states`. */
    textWidth: config.positiveInteger(textKey),
    /** Whether the network has a layer that brings the text to the tokens' width. */
    projectsText,
    /** Whether the picture's resolution and aspect ratio are conditions. */
    microConditions: typeof micro === "boolean"
      ? micro
      : sizes.sampleSize === microSampleSize,
    /** The divisor of the positions of tokens, which keeps them in the range of a smaller model. */
    interpolationScale: interpolationScale(config, sizes),
    /** ε of the norms within the transformer blocks. */
    normEpsilon: config.positiveNumber("norm_eps"),
  };
  checkWidth(config, parsed);
  checkOutputs(config, parsed);
  config.finish(unusedTransformerKeys, ["num_embeds_ada_norm"]);
  return parsed;
}

/** The scale in the file, or diffusers' default: 1 up to 64x64 latents, 2 for 128x128. */
function interpolationScale(
  config: ConfigJson,
  { sampleSize }: TransformerConfig,
): number {
  const key = "interpolation_scale";
  return config.has(key)
    ? config.positiveNumber(key)
    : Math.max(Math.floor(sampleSize / 64), 1);
}

function checkWidth(
  config: ConfigJson,
  parsed: TransformerConfig & {
    projectsText: boolean;
    microConditions: boolean;
  },
): void {
  const width = widthOf(parsed);
  if (parsed.projectsText) config.requireOneOf("cross_attention_dim", [width]);
  if (parsed.microConditions && width % 3 !== 0) {
    config.refuse(
      "attention_head_dim",
      `a width that gives a multiple of 3 over ${parsed.heads} heads, for the micro-conditions`,
    );
  }
}
