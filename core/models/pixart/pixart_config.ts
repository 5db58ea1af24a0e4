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

/** The part of `transformer/config.json` that the network depends on. */
export interface PixartConfig extends TransformerConfig {
  /** Width of `encoder_hidden_states`. */
  readonly textWidth: number;
  /** Whether a layer of its own brings the text to the tokens' width. */
  readonly projectsText: boolean;
  /** Whether the picture's resolution and aspect ratio are conditions. */
  readonly microConditions: boolean;
  /** How many times denser than its own the network takes its grid of tokens to be, so that positions stay in the range of a smaller model. */
  readonly interpolationScale: number;
  /** ε of the norms within the transformer blocks. */
  readonly normEpsilon: number;
}

/** Keys with only one meaning that {@linkcode PixartConfig} stands for. */
const required: AllowedValues = {
  ...transformerKeys,
  _class_name: ["Transformer2DModel", "PixArtTransformer2DModel"],
  norm_type: ["ada_norm_single"],
  use_additional_conditions: [undefined, null, false, true],
};

/** As diffusers has them where a file does not say. */
const defaults = {
  ...transformerDefaults,
  cross_attention_dim: 1152,
  norm_eps: 1e-6,
  norm_type: "ada_norm_single",
  out_channels: 8,
  sample_size: 128,
};

/** The `sample_size` of 1024x1024 pixels: older files do not say that these models, and only these, have micro-conditions. */
const microSampleSize = 128;

/**
 * The configuration of a PixArt.
 *
 * @param json Parsed `config.json` of a `Transformer2DModel` or `PixArtTransformer2DModel`.
 * @param file Where it came from, for errors.
 * @throws {TypeError} If a key is missing, contradicts another, or asks for another network.
 */
export function parsePixartConfig(json: unknown, file: string): PixartConfig {
  const config = new ConfigJson(json, file, required, defaults);
  const sizes = transformerConfig(config);
  const micro = config.value("use_additional_conditions");
  const projectsText = config.has("caption_channels");
  const textKey = projectsText ? "caption_channels" : "cross_attention_dim";
  const parsed: PixartConfig = {
    ...sizes,
    textWidth: config.positiveInteger(textKey),
    projectsText,
    microConditions: typeof micro === "boolean"
      ? micro
      : sizes.sampleSize === microSampleSize,
    interpolationScale: interpolationScale(config, sizes),
    normEpsilon: config.positiveNumber("norm_eps"),
  };
  checkWidth(config, parsed);
  checkOutputs(config, parsed);
  config.finish(unusedTransformerKeys, ["num_embeds_ada_norm"]);
  return parsed;
}

/** As diffusers does where the file does not say: 1 up to 64x64 latents, 2 for 128x128. */
function interpolationScale(
  config: ConfigJson,
  { sampleSize }: TransformerConfig,
): number {
  const key = "interpolation_scale";
  return config.has(key)
    ? config.positiveNumber(key)
    : Math.max(Math.floor(sampleSize / 64), 1);
}

function checkWidth(config: ConfigJson, parsed: PixartConfig): void {
  const width = widthOf(parsed);
  if (parsed.projectsText) config.requireOneOf("cross_attention_dim", [width]);
  if (parsed.microConditions && width % 3 !== 0) {
    config.refuse(
      "attention_head_dim",
      `a width that gives a multiple of 3 over ${parsed.heads} heads, for the micro-conditions`,
    );
  }
}
