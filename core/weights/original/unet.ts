/**
 * The UNet of an original checkpoint, as CompVis and Stability AI publish it
 * (Rombach et al., 2022), by diffusers' names. The original has one list of
 * blocks on the way down and one on the way up; a level ends with the block
 * that halves or doubles.
 */
import type { TensorFile } from "../tensor_file.ts";
import { partOf, renamed, type Renames, translatedFile } from "./translated.ts";

/** The prefix of the UNet's names in the checkpoint of a whole pipeline. */
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

/** Parts of a residual block, and of a downsampler. */
const inner: Renames = [
  [/^op\./, "conv."],
  [/^in_layers\.0\./, "norm1."],
  [/^in_layers\.2\./, "conv1."],
  [/^emb_layers\.1\./, "time_emb_proj."],
  [/^out_layers\.0\./, "norm2."],
  [/^out_layers\.3\./, "conv2."],
  [/^skip_connection\./, "conv_shortcut."],
];

/** The kind of a block's element, by a name in it. */
const signs = [
  [/^in_layers\./, "resnets"],
  [/^(proj_in|transformer_blocks)\./, "attentions"],
  [/^op\./, "downsamplers"],
  [/^conv\./, "upsamplers"],
] as const;

/** The original's lists of blocks, and diffusers' names for the lists. */
const lists = {
  input_blocks: "down_blocks",
  middle_block: "mid_block",
  output_blocks: "up_blocks",
};

/** Whether a checkpoint holds a whole pipeline in the original layout. */
export const isOriginal = ({ tensors }: TensorFile): boolean =>
  tensors.has(`${prefix}input_blocks.0.0.weight`);

/** Gives an original UNet diffusers' names; keeps other files unchanged. */
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

/** The element of a block that a name lies in, and the name within that element. */
function split(name: string): [element: string, rest: string] {
  const match =
    /^((?:input_blocks|output_blocks)\.\d+\.\d+|middle_block\.\d+)\.(.+)$/
      .exec(name);
  return match ? [match[1], match[2]] : ["", name];
}

/** Compares numbers in names by value: 2 comes before 10. */
const { compare } = new Intl.Collator("en", { numeric: true });

/** The diffusers path of each element: its index among its kind on its level; up- and downsamplers end a level. */
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
