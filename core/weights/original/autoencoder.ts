/** The autoencoder of an original checkpoint (Rombach et al., 2022) by diffusers' names. */
import type { TensorFile } from "../tensor_file.ts";
import {
  lastOf,
  partOf,
  renamed,
  type Renames,
  translatedFile,
} from "./translated.ts";

/** The prefix of the autoencoder's names in the checkpoint of a whole pipeline. */
export const autoencoderPrefix = "first_stage_model.";

const renames: Renames = [
  [/^encoder\.down\.(\d+)\.block\./, "encoder.down_blocks.$1.resnets."],
  [
    /^encoder\.down\.(\d+)\.downsample\./,
    "encoder.down_blocks.$1.downsamplers.0.",
  ],
  [/^decoder\.up\.(\d+)\.block\./, "decoder.up_blocks.$1.resnets."],
  [/^decoder\.up\.(\d+)\.upsample\./, "decoder.up_blocks.$1.upsamplers.0."],
  [/\.mid\.block_1\./, ".mid_block.resnets.0."],
  [/\.mid\.block_2\./, ".mid_block.resnets.1."],
  [/\.mid\.attn_1\.norm\./, ".mid_block.attentions.0.group_norm."],
  [/\.mid\.attn_1\.([qkv])\./, ".mid_block.attentions.0.to_$1."],
  [/\.mid\.attn_1\.proj_out\./, ".mid_block.attentions.0.to_out.0."],
  [/\.nin_shortcut\./, ".conv_shortcut."],
  [/\.norm_out\./, ".conv_norm_out."],
];

const upLevel = /^decoder\.up\.(\d+)\./;

/** Gives an original autoencoder diffusers' names, with the decoder's levels in reverse; keeps other files unchanged. */
export function originalAutoencoder(file: TensorFile): TensorFile {
  const part = partOf(file, autoencoderPrefix);
  if (part.tensors.size === 0) return file;
  const last = lastOf(part, upLevel);
  return translatedFile(part, (name, tensor) => {
    const fromTop = name.replace(
      upLevel,
      (_, level) => `decoder.up.${last - Number(level)}.`,
    );
    return [[renamed(fromTop, renames), tensor]];
  });
}
