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

/** Widths and heads of the picture tower; its heads are given by their width, what is inside its layers by a ratio. */
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

// transformers' name of a module, open_clip's
const modules: readonly [string, string][] = [
  ["text_model.embeddings.token_embedding.weight", "token_embedding.weight"],
  ["text_model.embeddings.position_embedding.weight", "positional_embedding"],
  ["text_model.final_layer_norm", "ln_final"],
  ["vision_model.embeddings.class_embedding", "visual.class_embedding"],
  ["vision_model.embeddings.patch_embedding.weight", "visual.conv1.weight"],
  [
    "vision_model.embeddings.position_embedding.weight",
    "visual.positional_embedding",
  ],
  ["vision_model.pre_layrnorm", "visual.ln_pre"],
  ["vision_model.post_layernorm", "visual.ln_post"],
];

/** The same within a layer. */
const layerModules: readonly [string, string][] = [
  ["self_attn.out_proj", "attn.out_proj"],
  ["layer_norm1", "ln_1"],
  ["layer_norm2", "ln_2"],
  ["mlp.fc1", "mlp.c_fc"],
  ["mlp.fc2", "mlp.c_proj"],
];

/** The weights of attention that open_clip keeps in one, in its order. */
const joinedProjections = ["q_proj", "k_proj", "v_proj"];

/** Every tensor by transformers' names; those that it does not know keep theirs. */
function* renamed(
  name: string,
  tensor: StoredTensor,
): Generator<[string, StoredTensor]> {
  const projection = /^(visual\.proj|text_projection)$/.exec(name);
  if (projection) {
    const own = name === "text_projection" ? name : "visual_projection";
    yield [`${own}.weight`, transposed(name, tensor)];
    return;
  }
  const layer = /^(visual\.)?transformer\.resblocks\.(\d+)\.(.+)$/.exec(name);
  if (!layer) {
    yield [named(name, modules), tensor];
    return;
  }
  const [, visual, index, rest] = layer;
  const tower = visual ? "vision_model" : "text_model";
  const path = `${tower}.encoder.layers.${index}`;
  const joined = /^attn\.in_proj_(weight|bias)$/.exec(rest);
  if (!joined) {
    yield [`${path}.${named(rest, layerModules)}`, tensor];
    return;
  }
  for (const [i, projection] of joinedProjections.entries()) {
    const key = `${path}.self_attn.${projection}.${joined[1]}`;
    yield [key, thirdOf(name, tensor, i)];
  }
}

function named(name: string, pairs: readonly [string, string][]): string {
  for (const [theirs, own] of pairs) {
    if (name === own) return theirs;
    if (name.startsWith(`${own}.`)) return theirs + name.slice(own.length);
  }
  return name;
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
    new Map([...file.tensors].flatMap(([name, tensor]) => [
      ...renamed(name, tensor),
    ])),
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
