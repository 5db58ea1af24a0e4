/** Infers the `config.json` of an original checkpoint's UNet from its tensors. */
import { each, type Structure } from "./structure.ts";

/** Width of an attention head if projections are linear, as in Stable Diffusion 2 and SDXL. */
const headWidth = 64;
/** Heads of each level in Stable Diffusion 1. */
const firstHeads = 8;
/** Channels of the embedding of each of SDXL's `time_ids`. */
const timeChannels = 256;

/**
 * @param structure The tensors of a UNet under diffusers' names.
 * @param sampleSize Side of the latents that the UNet was trained with, which no tensor determines.
 * @throws {RangeError} If a tensor is missing.
 */
export function unetJson(
  structure: Structure,
  sampleSize: number,
): Record<string, unknown> {
  const s = structure;
  const levels = s.count("down_blocks");
  const down = each(levels, (i) => depthsOf(s, `down_blocks.${i}`));
  const up = each(levels, (i) => depthsOf(s, `up_blocks.${i}`));
  const channels = each(
    levels,
    (i) => s.shape(`down_blocks.${i}.resnets.0.conv1.weight`)[0],
  );
  const attending = [
    ...each(levels, (i) => `down_blocks.${i}`),
    ...each(levels, (i) => `up_blocks.${i}`),
  ].find((path) => s.has(`${path}.attentions.0.proj_in.weight`));
  const first = `${attending}.attentions.0`;
  const isLinear = s.shape(`${first}.proj_in.weight`).length === 2;
  return {
    _class_name: "UNet2DConditionModel",
    act_fn: "silu",
    attention_head_dim: isLinear
      ? channels.map((count) => Math.max(1, count / headWidth))
      : firstHeads,
    block_out_channels: channels,
    cross_attention_dim:
      s.shape(`${first}.transformer_blocks.0.attn2.to_k.weight`)[1],
    down_block_types: down.map((depths) =>
      depths ? "CrossAttnDownBlock2D" : "DownBlock2D"
    ),
    in_channels: s.shape("conv_in.weight")[1],
    layers_per_block: each(levels, (i) => s.count(`down_blocks.${i}.resnets`)),
    mid_block_type: middleType(s),
    norm_eps: 1e-5,
    norm_num_groups: 32,
    out_channels: s.shape("conv_out.weight")[0],
    sample_size: sampleSize,
    ...depthKeys(s, down, up),
    up_block_types: up.map((depths) =>
      depths ? "CrossAttnUpBlock2D" : "UpBlock2D"
    ),
    use_linear_projection: isLinear,
    ...addedKeys(s),
  };
}

/** The number of transformer blocks after each resnet of a level; null if the level has no attention. */
function depthsOf(s: Structure, path: string): number[] | null {
  const attentions = s.count(`${path}.attentions`);
  return attentions === 0 ? null : each(
    attentions,
    (i) => s.count(`${path}.attentions.${i}.transformer_blocks`),
  );
}

function middleType(s: Structure): string | null {
  if (s.has("mid_block.attentions.0.proj_in.weight")) {
    return "UNetMidBlock2DCrossAttn";
  }
  return s.has("mid_block.resnets.0.conv1.weight") ? "UNetMidBlock2D" : null;
}

/** The depths' keys. A level without attention gets the middle's depth, which is read from the last level. */
function depthKeys(
  s: Structure,
  down: readonly (number[] | null)[],
  up: readonly (number[] | null)[],
): Record<string, unknown> {
  const middle = s.count("mid_block.attentions.0.transformer_blocks");
  const otherwise = Math.max(1, middle);
  const list = (path: typeof down) => path.map((depths) => depths ?? otherwise);
  const uniform = (path: typeof down) =>
    path.map((depths) =>
      depths?.every((depth) => depth === depths[0]) === false
        ? null
        : depths?.[0] ?? otherwise
    );
  const [onTheWayDown, onTheWayUp] = [uniform(down), uniform(up).toReversed()];
  const isMirrored = onTheWayDown.every((depth, i) =>
    depth !== null && depth === onTheWayUp[i]
  );
  return isMirrored ? { transformer_layers_per_block: onTheWayDown } : {
    transformer_layers_per_block: list(down),
    reverse_transformer_layers_per_block: list(up),
  };
}

/** The keys of SDXL's conditions besides the text's tokens. */
function addedKeys(s: Structure): Record<string, unknown> {
  const key = "add_embedding.linear_1.weight";
  return s.has(key)
    ? {
      addition_embed_type: "text_time",
      addition_time_embed_dim: timeChannels,
      projection_class_embeddings_input_dim: s.shape(key)[1],
    }
    : {};
}
