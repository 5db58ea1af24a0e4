/** Prompts for Stable Diffusion 1 and 2: the text tower's last features. */
import type { OpenTexts } from "./towers.ts";

/** Makes `encoder_hidden_states` `[1, S, D]`. Layers are skipped in prompts, not negative ones, as in diffusers. */
export const clipTexts: OpenTexts = async (towers, { options }) => {
  const { clipSkip = 0 } = options;
  const layer = (skipped: number) =>
    skipped === 0 ? "last_hidden_state" : `normed.${-1 - skipped}`;
  const outputs = [layer(0), layer(clipSkip)];
  const { tokens, features } = await towers.clip("", { outputs });
  return {
    tokens,
    async encode(text, isNegative) {
      const own = layer(isNegative ? 0 : clipSkip);
      return { encoder_hidden_states: (await features(text))[own] };
    },
  };
};
