/**
 * The UNet of an original checkpoint, as CompVis and Stability AI publish it
 * (Rombach et al., 2022), by diffusers' names. There, a network is one list of
 * blocks on the way down and one on the way up; the levels show in where the
 * lists halve and double.
 */
import type { TensorFile } from "../tensor_file.ts";
import { partOf, renamed, type Renames, translatedFile } from "./translated.ts";

/** Where it lies in the checkpoint of a whole pipeline. */
const prefix = "model.diffusion_model.";

const outer: Renames = [
  [/^time_embed\.0\./, "time_embedding.linear_1."],
  [/^time_embed\.2\./, "time_embedding.linear_2."],
  [/^label_emb\.0\.0\./, "add_embedding.linear_1."],
  [/^label_emb\.0\.2\./, "add_embedding.linear_2."],
  [/^input_blocks\.0\.0\./, "conv_in."],
  [/^out\.0\./, "conv_norm_out."],
  [/^out\.2\./, "conv_out."],
];

/** Parts of a residual block, and of what halves. */
const inner: Renames = [
  [/^op\./, "conv."],
  [/^in_layers\.0\./, "norm1."],
  [/^in_layers\.2\./, "conv1."],
  [/^emb_layers\.1\./, "time_emb_proj."],
  [/^out_layers\.0\./, "norm2."],
  [/^out_layers\.3\./, "conv2."],
  [/^skip_connection\./, "conv_shortcut."],
];

/** What an element of a block is, by a name in it. */
const signs = [
  [/^in_layers\./, "resnets"],
  [/^(proj_in|transformer_blocks)\./, "attentions"],
  [/^op\./, "downsamplers"],
  [/^conv\./, "upsamplers"],
] as const;

/** The original's lists of blocks, and diffusers' for them. */
const lists = {
  input_blocks: "down_blocks",
  middle_block: "mid_block",
  output_blocks: "up_blocks",
};

/** Whether a checkpoint holds a whole pipeline in the original layout. */
export const isOriginal = ({ tensors }: TensorFile): boolean =>
  tensors.has(`${prefix}input_blocks.0.0.weight`);

/** The UNet by diffusers' names; a file of another layout stays as it is. */
export function originalUnet(file: TensorFile): TensorFile {
  if (!isOriginal(file)) return file;
  const part = partOf(file, prefix);
  const paths = elementPaths(part.tensors.keys());
  return translatedFile(part, (name, tensor) => {
    const [key, rest] = split(name);
    const path = paths.get(key);
    return [[
      path ? `${path}.${renamed(rest, inner)}` : renamed(name, outer),
      tensor,
    ]];
  });
}

/** The element of a block that a name lies in, and the name within it. */
function split(name: string): [element: string, rest: string] {
  const match =
    /^((?:input_blocks|output_blocks)\.\d+\.\d+|middle_block\.\d+)\.(.+)$/
      .exec(name);
  return match ? [match[1], match[2]] : ["", name];
}

/** Tells 10 from 2 by their numbers. */
const { compare } = new Intl.Collator("en", { numeric: true });

/** Diffusers' path of each element: its place among those of its kind on its level, which what halves or doubles ends. */
function elementPaths(names: Iterable<string>): Map<string, string> {
  const kinds = new Map<string, string>();
  for (const name of names) {
    const [key, rest] = split(name);
    const kind = signs.find(([sign]) => sign.test(rest))?.[1];
    if (key && kind) kinds.set(key, kind);
  }
  const ordered = [...kinds].sort(([a], [b]) => compare(a, b));
  const paths = new Map<string, string>();
  for (const [list, own] of Object.entries(lists)) {
    let level = 0;
    let seen: string[] = [];
    for (const [key, kind] of ordered) {
      if (!key.startsWith(`${list}.`)) continue;
      const path = list === "middle_block" ? own : `${own}.${level}`;
      const place = seen.filter((each) => each === kind).length;
      paths.set(key, `${path}.${kind}.${place}`);
      seen.push(kind);
      if (!kind.endsWith("samplers")) continue;
      level++;
      seen = [];
    }
  }
  return paths;
}
