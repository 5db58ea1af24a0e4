/** Prompts for FLUX.1 (Black Forest Labs, 2024): T5's features and CLIP's pooled one. */
import type { OpenTexts } from "./towers.ts";

/** The default number of tokens that T5 reads of a prompt. */
export const usualFluxSequence = 512;

/** Makes `encoder_hidden_states` `[1, S, E]` and `pooled_projections` `[1, P]`. */
export const fluxTexts: OpenTexts = async (towers, { options }) => {
  const { maxSequenceLength: length = usualFluxSequence } = options;
  const clip = await towers.clip("", { outputs: ["pooler_output"] });
  const t5 = await towers.t5("_2", { length, seesPadding: true });
  return {
    tokens: length,
    async encode(text) {
      const { pooler_output } = await clip.features(text);
      const { features } = await t5.features(text);
      return {
        encoder_hidden_states: features,
        pooled_projections: pooler_output,
      };
    },
    unconditional() {
      throw new RangeError(
        `Cannot sample ${towers.folder} with true guidance: there is no negative prompt, expected one beside a trueCfgScale above 1`,
      );
    },
  };
};
