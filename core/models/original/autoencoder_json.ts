/** Infers the `config.json` of an original checkpoint's autoencoder from its tensors. */
import { each, type Structure } from "./structure.ts";

/**
 * @param structure The tensors of an autoencoder under diffusers' names.
 * @param given Values that no tensor determines.
 * @throws {RangeError} If a tensor is missing.
 */
export function autoencoderJson(
  structure: Structure,
  given: {
    readonly scaling_factor: number;
    readonly force_upcast: boolean;
    readonly sample_size: number;
  },
): Record<string, unknown> {
  const s = structure;
  const levels = s.count("encoder.down_blocks");
  const types = (type: string) => each(levels, () => type);
  return {
    _class_name: "AutoencoderKL",
    act_fn: "silu",
    block_out_channels: each(
      levels,
      (i) => s.shape(`encoder.down_blocks.${i}.resnets.0.conv1.weight`)[0],
    ),
    down_block_types: types("DownEncoderBlock2D"),
    in_channels: s.shape("encoder.conv_in.weight")[1],
    latent_channels: s.shape("decoder.conv_in.weight")[1],
    layers_per_block: s.count("encoder.down_blocks.0.resnets"),
    norm_num_groups: 32,
    out_channels: s.shape("decoder.conv_out.weight")[0],
    up_block_types: types("UpDecoderBlock2D"),
    ...given,
  };
}
