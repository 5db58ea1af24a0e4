/** Latent consistency models (Luo et al., 2023): Stable Diffusion in a few steps, its network distilled to read the scale of guidance. */
import type { PipelineKind } from "./pipeline_kind.ts";
import { stableDiffusion } from "./stable_diffusion.ts";

export const latentConsistency: PipelineKind = {
  ...stableDiffusion,
  steps: 4,
  guidanceScale: 8.5,
  start: { image: 0.8, mask: 1, spaces: true },
};
