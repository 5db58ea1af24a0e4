/**
 * Text-picture pairs as open_clip publishes them (`open_clip_config.json` beside
 * `open_clip_model.safetensors`): the same network as transformers' `CLIPModel`
 * under other names.
 */
import { ConfigJson, isFile, most } from "@dip-go/core/files";

/** The name of the configuration file in a folder. */
export const openClipConfig = "open_clip_config.json";

const weightNames = [
  "open_clip_model.safetensors",
  "open_clip_pytorch_model.bin",
];

/** The open_clip fields that this network supports; any other field would make another network. */
const known = {
  model_cfg: ["embed_dim", "vision_cfg", "text_cfg", "quick_gelu"],
  vision_cfg: [
    ...["image_size", "layers", "width", "head_width", "patch_size"],
    "mlp_ratio",
  ],
  text_cfg: ["context_length", "vocab_size", "width", "heads", "layers"],
} as const;

/** A part of the configuration. @throws {TypeError} If it has an unknown field. */
function partOf(config: ConfigJson, name: keyof typeof known): ConfigJson {
  const part = config.part(name);
  const names: readonly string[] = known[name];
  const odd = Object.keys(part.values).find((key) => !names.includes(key));
  if (odd) part.refuse(odd, `none of that name, but ${names.join(", ")}`);
  return part;
}

/**
 * Converts open_clip's configuration into the `config.json` of the same `CLIPModel`.
 *
 * @param json Parsed `open_clip_config.json`.
 * @throws {TypeError} If a key is missing or asks for another network.
 */
export function clipModelJson(
  json: unknown,
  file: string,
): Record<string, unknown> {
  const model = partOf(new ConfigJson(json, file), "model_cfg");
  model.requireOneOf("quick_gelu", [true, false, undefined]);
  const text = partOf(model, "text_cfg");
  const vision = partOf(model, "vision_cfg");
  const shared = {
    hidden_act: model.values.quick_gelu ? "quick_gelu" : "gelu",
    layer_norm_eps: 1e-5,
  };
  const width = text.positiveInteger("width");
  return {
    model_type: "clip",
    projection_dim: model.positiveInteger("embed_dim"),
    text_config: {
      ...shared,
      eos_token_id: 2, // pools at the highest id, as open_clip does
      hidden_size: width,
      intermediate_size: 4 * width,
      num_hidden_layers: text.positiveInteger("layers", most.layers),
      num_attention_heads: text.positiveInteger("heads"),
      max_position_embeddings: text.values.context_length ?? 77,
      vocab_size: text.values.vocab_size ?? 49408,
    },
    vision_config: {
      ...shared,
      ...visionSizes(vision),
      num_channels: 3,
      image_size: vision.values.image_size,
      patch_size: vision.values.patch_size,
    },
  };
}

/** The picture tower's sizes: open_clip gives the width of a head, and the MLP's width as a ratio. */
function visionSizes(vision: ConfigJson): Record<string, number> {
  const width = vision.positiveInteger("width");
  const ratio = "mlp_ratio" in vision.values
    ? vision.positiveNumber("mlp_ratio")
    : 4;
  const headWidth = "head_width" in vision.values
    ? vision.positiveInteger("head_width")
    : 64;
  if (width % headWidth !== 0) {
    vision.refuse("head_width", `a divisor of ${width}`);
  }
  return {
    hidden_size: width,
    intermediate_size: Math.trunc(width * ratio),
    num_hidden_layers: vision.positiveInteger("layers", most.layers),
    num_attention_heads: width / headWidth,
  };
}

/** The path of the weights in a folder. @throws {Deno.errors.NotFound} If there are none. */
export async function openClipWeights(folder: string): Promise<string> {
  for (const name of weightNames) {
    if (await isFile(`${folder}/${name}`)) return `${folder}/${name}`;
  }
  throw new Deno.errors.NotFound(
    `Cannot load ${folder}: found no weights, expected one of ${
      weightNames.join(", ")
    }`,
  );
}
