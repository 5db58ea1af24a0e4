/** A CLIP tower's `config.json` as transformers writes it, read strictly. */
import { ConfigJson, most } from "../../files/config_json.ts";
import {
  transformersDefaults,
  transformersKeys,
} from "../../files/library_keys.ts";

/** The transformer that both towers share. */
export interface ClipEncoderConfig {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** Width inside the feed-forward layers. */
  readonly inner: number;
  readonly activation: "quick_gelu" | "gelu";
  readonly epsilon: number;
  /** Width of the shared space of text and pictures; null for a tower without a projection. */
  readonly projection: number | null;
}

/** The text tower. */
export interface ClipTextConfig extends ClipEncoderConfig {
  readonly vocabulary: number;
  /** The most tokens that it reads. */
  readonly positions: number;
  /** Id of the token that ends a text, whose feature stands for the text; null takes the first highest id instead. */
  readonly endToken: number | null;
}

/** The picture tower. */
export interface ClipVisionConfig extends ClipEncoderConfig {
  readonly channels: number;
  /** Side of the pictures, in pixels. */
  readonly imageSize: number;
  readonly patchSize: number;
}

/** Older files hold this id, which is not the end of text: transformers then pools at the highest id. */
const legacyEndToken = 2;

/** The text tower's class with a projection. */
const projectingText = "CLIPTextModelWithProjection";

/** Values of transformers where a file leaves a key out. */
const defaults = {
  layer_norm_eps: 1e-5,
  hidden_act: "quick_gelu",
  projection_dim: 512,
};
const textDefaults = {
  ...defaults,
  eos_token_id: 49407,
  max_position_embeddings: 77,
  vocab_size: 49408,
};

/** Keys of training, and the projection of a tower that has none. */
const harmless = [
  "attention_dropout",
  "dropout",
  "initializer_factor",
  "initializer_range",
  "projection_dim",
];

/** @throws {TypeError} If a key is missing or has a value that the encoder does not know. */
function encoderConfig(
  config: ConfigJson,
  hasProjection: boolean,
): ClipEncoderConfig {
  const width = config.positiveInteger("hidden_size");
  const heads = config.positiveInteger("num_attention_heads");
  if (width % heads !== 0) {
    config.refuse("num_attention_heads", `a divisor of ${width}`);
  }
  return {
    width,
    heads,
    layers: config.positiveInteger("num_hidden_layers", most.layers),
    inner: config.positiveInteger("intermediate_size"),
    activation: config.value("hidden_act") as ClipEncoderConfig["activation"],
    epsilon: config.positiveNumber("layer_norm_eps"),
    projection: hasProjection ? config.positiveInteger("projection_dim") : null,
  };
}

/** Whether a config names a class. */
function isOfClass(config: ConfigJson, name: string): boolean {
  const architectures = config.value("architectures");
  return Array.isArray(architectures) && architectures.includes(name);
}

/**
 * A parsed object with defaults for the keys that it leaves out.
 * Anything else is returned as it is, for its reader to refuse.
 */
const withDefaults = (json: unknown, defaults: object): unknown =>
  typeof json === "object" && json !== null && !Array.isArray(json)
    ? { ...defaults, ...json }
    : json;

/**
 * The configuration of a text tower.
 *
 * @param json Parsed `config.json` of a `CLIPTextModel` or `CLIPTextModelWithProjection`.
 * @param file Where it came from, for errors.
 * @param options.projects Whether the tower is the latter; by default as `architectures` says.
 * @throws {TypeError} If a key is missing or asks for another network.
 */
export function parseClipTextConfig(
  json: unknown,
  file: string,
  { projects }: { projects?: boolean } = {},
): ClipTextConfig {
  const config = new ConfigJson(withDefaults(json, textDefaults), file, {
    ...transformersDefaults,
    model_type: ["clip_text_model"],
    hidden_act: ["quick_gelu", "gelu"],
  });
  const endToken = config.value("eos_token_id");
  if (!Number.isSafeInteger(endToken) || (endToken as number) < 0) {
    config.refuse("eos_token_id", "a token's id");
  }
  const parsed = {
    ...encoderConfig(config, projects ?? isOfClass(config, projectingText)),
    vocabulary: config.positiveInteger("vocab_size"),
    positions: config.positiveInteger("max_position_embeddings", most.tokens),
    endToken: endToken === legacyEndToken ? null : endToken as number,
  };
  config.finish(harmless, transformersKeys);
  return parsed;
}

/**
 * The configuration of a picture tower.
 *
 * @param json Parsed `config.json` of a `CLIPVisionModel` or `CLIPVisionModelWithProjection`.
 * @param file Where it came from, for errors.
 * @throws {TypeError} If a key is missing or asks for another network.
 */
export function parseClipVisionConfig(
  json: unknown,
  file: string,
): ClipVisionConfig {
  const config = new ConfigJson(withDefaults(json, defaults), file, {
    ...transformersDefaults,
    model_type: ["clip_vision_model"],
    hidden_act: ["quick_gelu", "gelu"],
  });
  const imageSize = config.positiveInteger("image_size", most.side);
  const patchSize = config.positiveInteger("patch_size");
  if (imageSize % patchSize !== 0) {
    config.refuse("patch_size", `a divisor of ${imageSize}`);
  }
  const parsed = {
    ...encoderConfig(
      config,
      isOfClass(config, "CLIPVisionModelWithProjection"),
    ),
    channels: config.positiveInteger("num_channels"),
    imageSize,
    patchSize,
  };
  config.finish(harmless, transformersKeys);
  return parsed;
}
