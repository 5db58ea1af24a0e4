/** Prompts to what a Stable Diffusion pipeline's network reads: the text tower's last features. */
import { clipTextGraph } from "../models/clip.ts";
import { loadClipText } from "../models/clip_load.ts";
import { openSession, type SessionOptions } from "../runtime/session.ts";
import type { Tensor } from "../tensor.ts";
import { loadTokenizer } from "../text/tokenizer.ts";

/**
 * Features of B prompts, `[B, S, D]`. The tower is in memory only meanwhile.
 *
 * @param folder A pipeline with `tokenizer/` and `text_encoder/`.
 * @throws As `loadTokenizer` and `loadComponent`.
 */
export async function encodePrompts(
  folder: string,
  prompts: readonly string[],
  options: SessionOptions = {},
): Promise<Tensor<"float32">> {
  const tokenizer = await loadTokenizer(`${folder}/tokenizer`);
  const { config, weights } = await loadClipText(`${folder}/text_encoder`);
  const { ids } = tokenizer.encode(prompts);
  const graph = clipTextGraph(config, weights, {
    batch: prompts.length,
    tokens: tokenizer.length,
    outputs: ["last_hidden_state"],
  });
  await using session = await openSession(graph, options);
  const { last_hidden_state } = await session.run({ input_ids: ids });
  return last_hidden_state as Tensor<"float32">;
}
