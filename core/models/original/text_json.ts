/** Infers the `config.json` of an original checkpoint's text tower from its tensors. */
import type { OriginalTower } from "../../weights/original/text.ts";
import { Structure } from "./structure.ts";

/** Width of an attention head in every published tower. */
const headWidth = 64;

/**
 * @param options.projects Whether the pipeline reads the tower's projection.
 * @param options.skipped The number of last layers that do not run: Stable Diffusion 2 takes the last but one, normalised.
 * @throws {RangeError} If a tensor is missing.
 */
export function textJson(
  { file, isOpenClip }: OriginalTower,
  { projects, skipped }: { projects: boolean; skipped: number },
): Record<string, unknown> {
  const s = new Structure(file);
  const path = "text_model";
  const [vocabulary, width] = s.shape(
    `${path}.embeddings.token_embedding.weight`,
  );
  return {
    architectures: [projects ? "CLIPTextModelWithProjection" : "CLIPTextModel"],
    model_type: "clip_text_model",
    eos_token_id: 2, // pools at the highest id, as these towers were published
    hidden_act: isOpenClip ? "gelu" : "quick_gelu",
    hidden_size: width,
    intermediate_size: s.shape(`${path}.encoder.layers.0.mlp.fc1.weight`)[0],
    layer_norm_eps: 1e-5,
    max_position_embeddings:
      s.shape(`${path}.embeddings.position_embedding.weight`)[0],
    num_attention_heads: Math.max(1, width / headWidth),
    num_hidden_layers: s.count(`${path}.encoder.layers`) - skipped,
    projection_dim: projects ? s.shape("text_projection.weight")[0] : width,
    vocab_size: vocabulary,
  };
}
