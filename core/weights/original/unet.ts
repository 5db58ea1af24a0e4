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

/** What an element of a block is, by the names in it. */
type Kind = "resnet" | "attention" | "downsampler" | "upsampler";

const signs: readonly (readonly [RegExp, Kind])[] = [
  [/^in_layers\./, "resnet"],
  [/^(proj_in|transformer_blocks)\./, "attention"],
  [/^op\./, "downsampler"],
  [/^conv\./, "upsampler"],
];

const block =
  /^(input_blocks|output_blocks)\.(\d+)\.(\d+)\.(.+)$|^(middle_block)\.()(\d+)\.(.+)$/;

/** An element of a list of blocks. */
interface Element {
  readonly list: string;
  readonly block: number;
  readonly place: number;
  readonly kind: Kind;
}

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

/** The element that a name lies in, and the name within it. */
function split(name: string): [element: string, rest: string] {
  const match = block.exec(name);
  if (!match) return ["", name];
  const rest = match[4] ?? match[8];
  return [name.slice(0, -rest.length - 1), rest];
}

/** Every element of the lists, in the order of its list. */
function elements(names: Iterable<string>): Element[] {
  const found = new Map<string, Element>();
  for (const name of names) {
    const match = block.exec(name);
    const [key, rest] = split(name);
    const kind = signs.find(([sign]) => sign.test(rest))?.[1];
    if (!match || !kind) continue;
    const list = match[1] ?? match[5];
    const place = Number(match[3] ?? match[7]);
    found.set(key, { list, block: Number(match[2] || 0), place, kind });
  }
  return [...found.values()].sort((a, b) =>
    a.block - b.block || a.place - b.place
  );
}

/** Diffusers' path of each element. */
function elementPaths(names: Iterable<string>): Map<string, string> {
  const all = elements(names);
  const levels = { input_blocks: "down_blocks", output_blocks: "up_blocks" };
  const paths = new Map<string, string>();
  for (const [list, own] of Object.entries(levels)) {
    let level = 0;
    let counts = { resnet: 0, attention: 0 };
    for (const { block, place, kind } of all.filter((e) => e.list === list)) {
      const path = `${own}.${level}`;
      const key = `${list}.${block}.${place}`;
      if (kind === "downsampler") paths.set(key, `${path}.downsamplers.0`);
      else if (kind === "upsampler") paths.set(key, `${path}.upsamplers.0`);
      else paths.set(key, `${path}.${kind}s.${counts[kind]++}`);
      if (kind === "downsampler" || kind === "upsampler") {
        level++;
        counts = { resnet: 0, attention: 0 };
      }
    }
  }
  const middle = { resnet: 0, attention: 0, downsampler: 0, upsampler: 0 };
  for (const { place, kind } of all.filter((e) => e.list === "middle_block")) {
    paths.set(`middle_block.${place}`, `mid_block.${kind}s.${middle[kind]++}`);
  }
  return paths;
}
