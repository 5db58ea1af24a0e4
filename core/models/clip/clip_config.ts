/** A CLIP tower's `config.json` as transformers writes it, read strictly. */
import {
  type AllowedValues,
  ConfigJson,
  most,
} from "../../files/config_json.ts";
import {
  transformersDefaults,
  transformersKeys,
} from "../../files/library_keys.ts";

/** The id in older files, which is not the end of text: transformers then pools at the highest id. */
const legacyEndToken = 2;

/** transformers' values of keys that a file leaves out. */
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

/** Unused keys: of training, and the projection's width for a tower without a projection. */
const harmless = [
  "attention_dropout",
  "dropout",
  "initializer_factor",
  "initializer_range",
  "projection_dim",
];

const activations = ["quick_gelu", "gelu"] as const;

const allowed = (type: string): AllowedValues => ({
  ...transformersDefaults,
  model_type: [type],
  hidden_act: activations,
});

/** The configuration of the transformer, which both towers share. */
export type ClipEncoderConfig = Readonly<ReturnType<typeof encoderConfig>>;

/** Reads the transformer's keys. @throws {TypeError} If a key is missing or its value is not supported. */
function encoderConfig(config: ConfigJson, hasProjection: boolean) {
  const width = config.positiveInteger("hidden_size");
  const heads = config.positiveInteger("num_attention_heads");
  if (width % heads !== 0) {
    config.refuse("num_attention_heads", `a divisor of ${width}`);
  }
  return {
    width,
    heads,
    layers: config.positiveInteger("num_hidden_layers", most.layers),
    /** Width inside the feed-forward layers. */
    inner: config.positiveInteger("intermediate_size"),
    activation: config.value("hidden_act") as typeof activations[number],
    epsilon: config.positiveNumber("layer_norm_eps"),
    /** Width of the shared space of text and pictures; null for a tower without a projection. */
    projection: hasProjection ? config.positiveInteger("projection_dim") : null,
  };
}

/** Whether a config's `architectures` name a class. */
function isOfClass(config: ConfigJson, name: string): boolean {
  const architectures = config.value("architectures");
  return Array.isArray(architectures) && architectures.includes(name);
}

export type ClipTextConfig = Readonly<ReturnType<typeof parseClipTextConfig>>;

/**
 * The configuration of a text tower, from the parsed `config.json` of a
 * `CLIPTextModel` or `CLIPTextModelWithProjection`.
 *
 * @param options.projects Whether the tower is a `CLIPTextModelWithProjection`; `architectures` decides by default.
 * @throws {TypeError} If a key is missing or asks for another network.
 */
export function parseClipTextConfig(
  json: unknown,
  file: string,
  { projects }: { projects?: boolean } = {},
) {
  const known = allowed("clip_text_model");
  const config = new ConfigJson(json, file, known, textDefaults);
  const isProjecting = isOfClass(config, "CLIPTextModelWithProjection");
  const endToken = config.value("eos_token_id");
  if (!Number.isSafeInteger(endToken) || (endToken as number) < 0) {
    config.refuse("eos_token_id", "a token's id");
  }
  const parsed = {
    ...encoderConfig(config, projects ?? isProjecting),
    vocabulary: config.positiveInteger("vocab_size"),
    /** The most tokens that the tower reads. */
    positions: config.positiveInteger("max_position_embeddings", most.tokens),
    /** Id of the end token, whose feature is the text's; null takes the first of the highest ids instead. */
    endToken: endToken === legacyEndToken ? null : endToken as number,
  };
  config.finish(harmless, transformersKeys);
  return parsed;
}

/** The configuration of a picture tower. */
export type ClipVisionConfig = Readonly<
  ReturnType<typeof parseClipVisionConfig>
>;

/**
 * The configuration of a picture tower, from the parsed `config.json` of a
 * `CLIPVisionModel` or `CLIPVisionModelWithProjection`.
 *
 * @throws {TypeError} If a key is missing or asks for another network.
 */
export function parseClipVisionConfig(json: unknown, file: string) {
  const known = allowed("clip_vision_model");
  const config = new ConfigJson(json, file, known, defaults);
  const projects = isOfClass(config, "CLIPVisionModelWithProjection");
  const imageSize = config.positiveInteger("image_size", most.side);
  const patchSize = config.positiveInteger("patch_size");
  if (imageSize % patchSize !== 0) {
    config.refuse("patch_size", `a divisor of ${imageSize}`);
  }
  const parsed = {
    ...encoderConfig(config, projects),
    channels: config.positiveInteger("num_channels"),
    /** Side of the pictures, in pixels. */
    imageSize,
    patchSize,
  };
  config.finish(harmless, transformersKeys);
  return parsed;
}
