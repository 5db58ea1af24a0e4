/** Prompts for FLUX.1 (Black Forest Labs, 2024): T5's features and CLIP's pooled one. */
import type { PromptEncoder, PromptRequest } from "./prompt_encoder.ts";
import { openT5Tower } from "./t5_tower.ts";
import { openTextTower } from "./text_tower.ts";

/** Tokens that T5 reads of a prompt where nobody says otherwise. */
export const usualFluxSequence = 512;

/**
 * Makes `encoder_hidden_states` `[1, S, E]` and `pooled_projections` `[1, P]`.
 *
 * @throws As `openTextTower` and `openT5Tower`.
 */
export async function openFluxPrompts(
  folder: string,
  {
    checkpoint,
    sessions,
    options: { maxSequenceLength: length = usualFluxSequence },
  }: PromptRequest,
): Promise<PromptEncoder> {
  await using opening = new AsyncDisposableStack();
  const clip = opening.use(
    await openTextTower(folder, {
      ...sessions,
      tokenizer: "tokenizer",
      encoder: "text_encoder",
      checkpoint,
      outputs: ["pooler_output"],
    }),
  );
  const t5 = opening.use(
    await openT5Tower(folder, {
      ...sessions,
      tokenizer: "tokenizer_2",
      encoder: "text_encoder_2",
      checkpoint,
      length,
      seesPadding: true,
    }),
  );
  const encode = async (prompt: string) => {
    const { pooler_output } = await clip.features(prompt);
    const { features } = await t5.features(prompt);
    return {
      encoder_hidden_states: features,
      pooled_projections: pooler_output,
    };
  };
  const opened = opening.move();
  return {
    tokens: length,
    encode,
    encodeNegative: encode,
    unconditional() {
      throw new RangeError(
        `Cannot sample ${folder} with true guidance: there is no negative prompt, expected one beside a trueCfgScale above 1`,
      );
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
