/**
 * The tensors of open_clip's networks by transformers' names. open_clip joins
 * the projections of attention in one matrix, and transposes the projections
 * into the shared space.
 */
import type { StoredTensor, TensorFile } from "../tensor_file.ts";
import { stacksOf } from "./rows.ts";
import { renamed, type Renames, translatedFile } from "./translated.ts";

const renames: Renames = [
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

/** The attention weights that open_clip joins, in its order. */
const joinedProjections = ["q_proj", "k_proj", "v_proj"];

/** Gives open_clip's tensors transformers' names, in place. @throws {RangeError} If one cannot be split or transposed. */
export const asClipModel = (file: TensorFile): TensorFile =>
  translatedFile(file, translated);

function translated(
  name: string,
  tensor: StoredTensor,
): [string, StoredTensor][] {
  const key = renamed(name, renames);
  if (/^(visual|text)_projection\.weight$/.test(key)) {
    return [[key, transposed(name, tensor)]];
  }
  if (!key.includes(".self_attn.in_proj_")) return [[key, tensor]];
  return stacksOf(name, tensor, [1, 1, 1]).map((third, i) => [
    key.replace("in_proj_", `${joinedProjections[i]}.`),
    third,
  ]);
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
