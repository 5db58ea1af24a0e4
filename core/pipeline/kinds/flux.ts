/** FLUX.1 (Black Forest Labs, 2024): a CLIP tower and T5. */
import { openFluxPrompts, usualFluxSequence } from "../prompts/flux_prompts.ts";
import type { PipelineKind } from "./pipeline_kind.ts";

export const flux: PipelineKind = {
  steps: 28,
  guidanceScale: 3.5,
  latentsTogether: 2,
  sigmas: (steps) => {
    const last = 1 / steps;
    const stride = (last - 1) / Math.max(steps - 1, 1);
    return Array.from(
      { length: steps },
      (_, i) => i > 0 && i === steps - 1 ? last : 1 + i * stride,
    );
  },
  prompts: {
    tokens: () => Promise.resolve(usualFluxSequence),
    sequenceLength: () => usualFluxSequence,
    open: openFluxPrompts,
  },
};
