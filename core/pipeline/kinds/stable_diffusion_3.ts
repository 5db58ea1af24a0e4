/** Stable Diffusion 3 (Esser et al., 2024). */
import type { PipelineKind } from "./pipeline_kind.ts";

export const stableDiffusion3: PipelineKind = { steps: 28, guidanceScale: 7 };
