/** Stable Diffusion XL (Podell et al., 2023): two CLIP towers. */
import { openClipPairPrompts } from "../prompts/clip_pair_prompts.ts";
import type { PipelineKind } from "./pipeline_kind.ts";
import { firstTokenizerLength } from "./stable_diffusion.ts";

export const stableDiffusionXl: PipelineKind = {
  steps: 50,
  guidanceScale: 5,
  start: { image: 0.3, mask: 0.9999 },
  prompts: {
    tokens: firstTokenizerLength,
    skipsLayers: true,
    open: openClipPairPrompts,
  },
};
