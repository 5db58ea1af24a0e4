/** Stable Diffusion 1 and 2 (Rombach et al., 2022): one CLIP tower. */
import type { PipelineParts } from "../../models/pipeline_parts.ts";
import { loadTokenizer } from "../../text/tokenizer.ts";
import { openClipPrompts } from "../prompts/clip_prompts.ts";
import type { PipelineKind } from "./pipeline_kind.ts";

export const stableDiffusion: PipelineKind = {
  steps: 50,
  guidanceScale: 7.5,
  start: { image: 0.8, mask: 1 },
  prompts: {
    tokens: firstTokenizerLength,
    skipsLayers: true,
    open: openClipPrompts,
  },
};

/** Tokens of every prompt, by the pipeline's first tokenizer. @throws As `loadTokenizer`. */
export async function firstTokenizerLength(
  folder: string,
  parts: PipelineParts,
): Promise<number> {
  const own = parts.lacks("tokenizer") ? "tokenizer_2" : "tokenizer";
  return (await loadTokenizer(`${folder}/${own}`)).length;
}
