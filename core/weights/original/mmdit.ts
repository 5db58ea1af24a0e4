/**
 * The transformers of Stable Diffusion 3 and FLUX.1 as Stability AI and Black
 * Forest Labs publish them, by diffusers' names. Originals join queries, keys
 * and values in one matrix, with the feed-forward layer in FLUX's single
 * blocks; modulations of a norm alone have their shift before their scale.
 */
import type { StoredTensor, TensorFile } from "../tensor_file.ts";
import { stacksOf } from "./rows.ts";
import {
  lastOf,
  partOf,
  partOrWhole,
  renamed,
  type Renames,
  translatedFile,
} from "./translated.ts";

/** The prefix of a transformer's names in the checkpoint of a whole pipeline. */
const prefix = "model.diffusion_model.";

type MmditFamily = "sd3" | "flux";

/** A tensor that only the family's original has. */
const signs: Readonly<Record<MmditFamily, string>> = {
  sd3: "joint_blocks.0.x_block.attn.qkv.weight",
  flux: "double_blocks.0.img_attn.qkv.weight",
};

const conditions = "time_text_embed";
const block = "transformer_blocks.$1";
const single = "single_transformer_blocks.$1";

const outer: Renames = [
  [/^final_layer\.linear\./, "proj_out."],
  [/^final_layer\.adaLN_modulation\.1\./, "norm_out.linear."],
];

const renames: Readonly<Record<MmditFamily, Renames>> = {
  sd3: [
    ...outer,
    [/^pos_embed$/, "pos_embed.pos_embed"],
    [/^x_embedder\./, "pos_embed."],
    [/^t_embedder\.mlp\.0\./, `${conditions}.timestep_embedder.linear_1.`],
    [/^t_embedder\.mlp\.2\./, `${conditions}.timestep_embedder.linear_2.`],
    [/^y_embedder\.mlp\.0\./, `${conditions}.text_embedder.linear_1.`],
    [/^y_embedder\.mlp\.2\./, `${conditions}.text_embedder.linear_2.`],
    [/^(joint_blocks\.\d+)\.x_block\./, "$1."],
    [/\.context_block\.adaLN_modulation\.1\./, ".norm1_context.linear."],
    [/\.context_block\.mlp\./, ".ff_context."],
    [/\.context_block\.attn\.qkv\./, ".attn.added_qkv."],
    [/\.context_block\.attn\.ln_([qk])\./, ".attn.norm_added_$1."],
    [/\.context_block\.attn\.proj\./, ".attn.to_add_out."],
    [/\.adaLN_modulation\.1\./, ".norm1.linear."],
    [/\.mlp\./, ".ff."],
    [/\.fc1\./, ".net.0.proj."],
    [/\.fc2\./, ".net.2."],
    [/(\.attn2?)\.ln_([qk])\./, "$1.norm_$2."],
    [/(\.attn2?)\.proj\./, "$1.to_out.0."],
    [/^joint_blocks\.(\d+)/, block],
  ],
  flux: [
    ...outer,
    [/^time_in\./, `${conditions}.timestep_embedder.`],
    [/^vector_in\./, `${conditions}.text_embedder.`],
    [/^guidance_in\./, `${conditions}.guidance_embedder.`],
    [/(_embedder)\.in_layer\./, "$1.linear_1."],
    [/(_embedder)\.out_layer\./, "$1.linear_2."],
    [/^txt_in\./, "context_embedder."],
    [/^img_in\./, "x_embedder."],
    [/\.img_mod\.lin\./, ".norm1.linear."],
    [/\.txt_mod\.lin\./, ".norm1_context.linear."],
    [/\.txt_attn\.qkv\./, ".attn.added_qkv."],
    [/\.txt_attn\.norm\.query_norm\.scale/, ".attn.norm_added_q.weight"],
    [/\.txt_attn\.norm\.key_norm\.scale/, ".attn.norm_added_k.weight"],
    [/\.txt_attn\.proj\./, ".attn.to_add_out."],
    [/\.img_attn\.proj\./, ".attn.to_out.0."],
    [/\.img_attn\./, ".attn."],
    [/(\.attn)?\.norm\.query_norm\.scale/, ".attn.norm_q.weight"],
    [/(\.attn)?\.norm\.key_norm\.scale/, ".attn.norm_k.weight"],
    [/\.img_mlp\.0\./, ".ff.net.0.proj."],
    [/\.img_mlp\.2\./, ".ff.net.2."],
    [/\.txt_mlp\.0\./, ".ff_context.net.0.proj."],
    [/\.txt_mlp\.2\./, ".ff_context.net.2."],
    [/\.modulation\.lin\./, ".norm.linear."],
    [/\.linear2\./, ".proj_out."],
    [/^double_blocks\.(\d+)/, block],
    [/^single_blocks\.(\d+)/, single],
  ],
};

/** Joined weights by the end of their path: the path of each part, and its share of the rows. */
const stacks: readonly (readonly [
  joined: RegExp,
  apart: readonly string[],
  shares: readonly number[],
])[] = [
  [/\.qkv$/, [".to_q", ".to_k", ".to_v"], [1, 1, 1]],
  [/\.added_qkv$/, [".add_q_proj", ".add_k_proj", ".add_v_proj"], [1, 1, 1]],
  [
    /\.linear1$/,
    [".attn.to_q", ".attn.to_k", ".attn.to_v", ".proj_mlp"],
    [1, 1, 1, 4],
  ],
];

/** The family of a checkpoint, of a whole pipeline or the transformer alone; undefined for any other file. */
export function originalMmditFamily(
  file: TensorFile,
): MmditFamily | undefined {
  const { tensors } = partOrWhole(file, prefix);
  const families = Object.keys(signs) as MmditFamily[];
  return families.find((family) => tensors.has(signs[family]));
}

/** Gives an original transformer diffusers' names; keeps other files. @throws {RangeError} If a tensor cannot be split. */
export function originalMmdit(file: TensorFile): TensorFile {
  const family = originalMmditFamily(file);
  if (!family) return file;
  const part = partOrWhole(file, prefix);
  const last = lastOf(part, /^joint_blocks\.(\d+)\./);
  const alone = ["norm_out", `transformer_blocks.${last}.norm1_context`];
  return translatedFile(part, (name, tensor) => {
    const key = renamed(name, renames[family]);
    const swaps = alone.some((path) => key.startsWith(`${path}.`));
    return apart(key, swaps ? { ...tensor, swapsHalves: true } : tensor);
  });
}

/** A tensor by its key, or if it is joined, its parts by their keys. */
function apart(key: string, tensor: StoredTensor): [string, StoredTensor][] {
  const end = key.lastIndexOf(".");
  const [path, kind] = [key.slice(0, end), key.slice(end)];
  const found = stacks.find(([joined]) => joined.test(path));
  if (!found) return [[key, tensor]];
  const [joined, names, shares] = found;
  return stacksOf(key, tensor, shares).map((stack, i) => [
    path.replace(joined, names[i]) + kind,
    stack,
  ]);
}

/** Whether a file is a checkpoint of SD3 or FLUX without tensors below a path; the pipeline's folder has that part. */
export const leavesOut = (file: TensorFile, path: string): boolean =>
  originalMmditFamily(file) !== undefined &&
  partOf(file, path).tensors.size === 0;
