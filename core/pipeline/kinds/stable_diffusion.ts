/** Stable Diffusion 1 and 2 (Rombach et al., 2022): one CLIP tower. */
import { loadTokenizer } from "../../text/tokenizer.ts";
import { openClipPrompts } from "../prompts/clip_prompts.ts";
import type { PipelineKind } from "./pipeline_kind.ts";

export const stableDiffusion: PipelineKind = {
  steps: 50,
  guidanceScale: 7.5,
  prompts: { tokens: firstTokenizerLength, open: openClipPrompts },
};

/** Tokens of every prompt, by the pipeline's first tokenizer. @throws As `loadTokenizer`. */
export async function firstTokenizerLength(folder: string): Promise<number> {
  return (await loadTokenizer(`${folder}/tokenizer`)).length;
}
