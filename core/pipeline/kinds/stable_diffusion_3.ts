/** Stable Diffusion 3 and 3.5 (Esser et al., 2024): two CLIP towers, and T5 unless it was left out. */
import { openSd3Prompts, usualSd3Sequence } from "../prompts/sd3_prompts.ts";
import type { PipelineKind } from "./pipeline_kind.ts";
import { firstTokenizerLength } from "./stable_diffusion.ts";

export const stableDiffusion3: PipelineKind = {
  steps: 28,
  guidanceScale: 7,
  mostShift: 1.16,
  start: { image: 0.6, mask: 0.6, resizes: true, roundsUp: true },
  prompts: {
    tokens: async (folder, parts) =>
      await firstTokenizerLength(folder, parts) + usualSd3Sequence,
    sequenceLength: () => usualSd3Sequence,
    skipsLayers: true,
    open: openSd3Prompts,
  },
};
