/** PixArt-α and PixArt-Σ (Chen et al., 2023 and 2024): T5. */
import { loadTokenizer } from "../../text/tokenizer.ts";
import { openT5Prompts, usualPixartPrompt } from "../prompts/t5_prompts.ts";
import { binned } from "../sizes/resolution_bins.ts";
import type { PipelineKind } from "./pipeline_kind.ts";

export const pixart: PipelineKind = {
  steps: 20,
  guidanceScale: 4.5,
  binned,
  prompts: {
    async tokens(folder, _, { tokens = usualPixartPrompt }) {
      const length = { length: tokens };
      return (await loadTokenizer(`${folder}/tokenizer`, length)).length;
    },
    sequenceLength: ({ tokens = usualPixartPrompt }) => tokens,
    open: openT5Prompts,
  },
};
