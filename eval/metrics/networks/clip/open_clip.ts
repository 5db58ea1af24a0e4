/**
 * Text-picture pairs as open_clip publishes them (`open_clip_config.json` beside
 * `open_clip_model.safetensors`): the same network as transformers' `CLIPModel`
 * under other names, with the projections of attention in one matrix and those
 * into the shared space transposed.
 */
import { ConfigJson, isFile, most } from "@dip-go/core/files";
import {
  type StoredTensor,
  type TensorFile,
  tensorFile,
} from "@dip-go/core/weights";

/** Name of the configuration in a folder. */
export const openClipConfig = "open_clip_config.json";

const weightNames = [
  "open_clip_model.safetensors",
  "open_clip_pytorch_model.bin",
];

/** open_clip's fields of a tower that this network has; another would make another network. */
const known = {
  model_cfg: ["embed_dim", "vision_cfg", "text_cfg", "quick_gelu"],
  vision_cfg: [
    ...["image_size", "layers", "width", "head_width", "patch_size"],
    "mlp_ratio",
  ],
  text_cfg: ["context_length", "vocab_size", "width", "heads", "layers"],
} as const;

/** A part of the configuration without fields that are not known. */
function partOf(config: ConfigJson, name: keyof typeof known): ConfigJson {
  const part = config.part(name);
  const names: readonly string[] = known[name];
  const odd = Object.keys(part.values).find((key) => !names.includes(key));
  if (odd) part.refuse(odd, `none of that name, but ${names.join(", ")}`);
  return part;
}

/**
 * The `config.json` of the same `CLIPModel`.
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
      eos_token_id: 2, // which pools at the highest id, as open_clip does
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

/** Widths and heads of the picture tower; its heads are given by their width, its MLPs by a ratio. */
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

/** Parts of open_clip's names and transformers' for them, replaced one after another; a name without any keeps its own. */
const renames: readonly (readonly [RegExp, string])[] = [
  [/^visual\.proj$/, "visual_projection.weight"],
  [/^text_projection$/, "text_projection.weight"],
  [/^token_embedding(?=\.)/, "text_model.embeddings.token_embedding"],
  [
    /^positional_embedding$/,
    "text_model.embeddings.position_embedding.weight",
  ],
  [/^ln_final(?=\.)/, "text_model.final_layer_norm"],
  [/^visual\.class_embedding$/, "vision_model.embeddings.class_embedding"],
  [/^visual\.conv1(?=\.)/, "vision_model.embeddings.patch_embedding"],
  [
    /^visual\.positional_embedding$/,
    "vision_model.embeddings.position_embedding.weight",
  ],
  [/^visual\.ln_pre(?=\.)/, "vision_model.pre_layrnorm"],
  [/^visual\.ln_post(?=\.)/, "vision_model.post_layernorm"],
  [/^visual\.transformer\.resblocks\./, "vision_model.encoder.layers."],
  [/^transformer\.resblocks\./, "text_model.encoder.layers."],
  [/(?<=\.layers\.\d+)\.attn\./, ".self_attn."],
  [/(?<=\.layers\.\d+)\.ln_(?=[12]\.)/, ".layer_norm"],
  [/(?<=\.layers\.\d+)\.mlp\.c_fc\./, ".mlp.fc1."],
  [/(?<=\.layers\.\d+)\.mlp\.c_proj\./, ".mlp.fc2."],
];

/** The weights of attention that open_clip keeps in one, in its order. */
const joinedProjections = ["q_proj", "k_proj", "v_proj"];

/** A tensor of open_clip's as those of transformers. */
function translated(
  name: string,
  tensor: StoredTensor,
): [string, StoredTensor][] {
  const key = renames.reduce(
    (key, [part, own]) => key.replace(part, own),
    name,
  );
  if (/^(visual|text)_projection\.weight$/.test(key)) {
    return [[key, transposed(name, tensor)]];
  }
  if (!key.includes(".self_attn.in_proj_")) return [[key, tensor]];
  return joinedProjections.map((projection, i) => [
    key.replace("in_proj_", `${projection}.`),
    thirdOf(name, tensor, i),
  ]);
}

/** One of three equal stacks of rows, in its place in the file. */
function thirdOf(name: string, tensor: StoredTensor, i: number): StoredTensor {
  const { path, begin, end, shape: [rows, ...row], strides } = tensor;
  if (rows % 3 !== 0 || strides) {
    throw new RangeError(
      `Cannot load ${path}: tensor "${name}" is [${tensor.shape}]${
        strides ? ` with strides ${strides}` : ""
      }, expected three stacks of rows one after another`,
    );
  }
  const bytes = (end - begin) / 3;
  const start = begin + i * bytes;
  const shape = [rows / 3, ...row];
  return { ...tensor, begin: start, end: start + bytes, shape };
}

function transposed(name: string, tensor: StoredTensor): StoredTensor {
  const { path, shape: [rows, columns], strides = [columns, 1] } = tensor;
  if (tensor.shape.length === 2) {
    return {
      ...tensor,
      shape: [columns, rows],
      strides: [strides[1], strides[0]],
    };
  }
  throw new RangeError(
    `Cannot load ${path}: tensor "${name}" is [${tensor.shape}], expected a matrix`,
  );
}

/** The tensors of open_clip's file by transformers' names, in place. @throws {RangeError} If one cannot be taken apart. */
export const asClipModel = (file: TensorFile): TensorFile =>
  tensorFile(
    file.path,
    new Map(
      [...file.tensors].flatMap(([name, tensor]) => translated(name, tensor)),
    ),
  );

/** The weights in a folder. @throws {Deno.errors.NotFound} If there are none. */
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
