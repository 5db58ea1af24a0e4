/** DiT (Peebles and Xie, 2023), which draws classes. */
import type { PipelineKind } from "./pipeline_kind.ts";

export const dit: PipelineKind = { steps: 20, guidanceScale: 2 };
