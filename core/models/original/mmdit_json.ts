/** Infers the `config.json` of an original checkpoint's multimodal transformer from its tensors. */
import {
  originalMmdit,
  originalMmditFamily,
} from "../../weights/original/mmdit.ts";
import type { TensorFile } from "../../weights/tensor_file.ts";
import { each, Structure } from "./structure.ts";

/** Side of the latents of 1024 pixels, the last training size of every published SD3. */
const sampleSize = 128;
/** Width of an attention head if no norm of heads determines it. */
const headWidth = 64;

/** The configuration; undefined for files without such a transformer. @throws {RangeError} If a tensor is missing. */
export function mmditJson(
  file: TensorFile,
): Record<string, unknown> | undefined {
  const family = originalMmditFamily(file);
  if (!family) return undefined;
  const s = new Structure(originalMmdit(file));
  return family === "sd3" ? sd3Json(s) : fluxJson(s);
}

/** The keys that both families share, from their blocks and conditions. */
function commonJson(s: Structure, width: number) {
  const norm = "transformer_blocks.0.attn.norm_q.weight";
  const head = s.has(norm) ? s.shape(norm)[0] : headWidth;
  const pooled = "time_text_embed.text_embedder.linear_1.weight";
  return {
    attention_head_dim: head,
    joint_attention_dim: s.shape("context_embedder.weight")[1],
    num_attention_heads: width / head,
    num_layers: s.count("transformer_blocks"),
    pooled_projection_dim: s.shape(pooled)[1],
  };
}

function sd3Json(s: Structure): Record<string, unknown> {
  const [width, channels, patch] = s.shape("pos_embed.proj.weight");
  const common = commonJson(s, width);
  const blocks = each(common.num_layers, (i) => `transformer_blocks.${i}`);
  const [, places] = s.shape("pos_embed.pos_embed");
  return {
    _class_name: "SD3Transformer2DModel",
    ...common,
    caption_projection_dim: width,
    dual_attention_layers: [...blocks.keys()]
      .filter((i) => s.has(`${blocks[i]}.attn2.to_q.weight`)),
    in_channels: channels,
    out_channels: s.shape("proj_out.weight")[0] / patch ** 2,
    patch_size: patch,
    pos_embed_max_size: Math.sqrt(places),
    qk_norm: s.has(`${blocks[0]}.attn.norm_q.weight`) ? "rms_norm" : null,
    sample_size: sampleSize,
  };
}

function fluxJson(s: Structure): Record<string, unknown> {
  const [width, channels] = s.shape("x_embedder.weight");
  return {
    _class_name: "FluxTransformer2DModel",
    ...commonJson(s, width),
    guidance_embeds: s.has("time_text_embed.guidance_embedder.linear_1.weight"),
    in_channels: channels,
    num_single_layers: s.count("single_transformer_blocks"),
  };
}
