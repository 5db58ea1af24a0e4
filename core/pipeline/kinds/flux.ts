/** FLUX.1 (Black Forest Labs, 2024): a CLIP tower and T5. */
import { evenly } from "../../samplers/schedule/sigmas.ts";
import { openFluxPrompts, usualFluxSequence } from "../prompts/flux_prompts.ts";
import type { PipelineKind } from "./pipeline_kind.ts";

export const flux: PipelineKind = {
  steps: 28,
  guidanceScale: 3.5,
  latentsTogether: 2,
  start: { image: 0.6, mask: 0.6, resizes: true, roundsUp: true },
  sigmas: (steps) => evenly(steps, 1, 1 / steps),
  prompts: {
    tokens: () => Promise.resolve(usualFluxSequence),
    sequenceLength: () => usualFluxSequence,
    open: openFluxPrompts,
  },
};
