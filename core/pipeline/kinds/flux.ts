/** FLUX.1 (Black Forest Labs, 2024). */
import type { PipelineKind } from "./pipeline_kind.ts";

export const flux: PipelineKind = { steps: 28, guidanceScale: 3.5 };
