/**
 * Prompts for Stable Diffusion 3 (Esser et al., 2024): features of two CLIP
 * towers side by side, widened to T5's by zeros, and T5's after them; the towers'
 * text embeddings side by side.
 */
import type { Network } from "../../models/network.ts";
import { zeros } from "../../tensor/tensor.ts";
import { oneAfterTheOther, sideBySide } from "./feature_rows.ts";
import type { PromptEncoder, PromptRequest } from "./prompt_encoder.ts";
import { openT5Tower } from "./t5_tower.ts";
import { openTextTower } from "./text_tower.ts";

/** Tokens that T5 reads of a prompt where nobody says otherwise. */
export const usualSd3Sequence = 256;

type Sd3Network = Extract<Network, { family: "sd3" }>;

/**
 * Makes `encoder_hidden_states` `[1, S + T, E]` and `pooled_projections`
 * `[1, P]`. A pipeline saved without its T5 has zeros in the place of that one's
 * features. Layers of CLIP are skipped for prompts alone, as in diffusers.
 *
 * @throws {RangeError} If the towers have fewer layers than are to be skipped.
 * @throws {TypeError} If CLIP's features are wider than T5's.
 * @throws As `openTextTower` and `openT5Tower`.
 */
export async function openSd3Prompts(
  folder: string,
  { network, options, checkpoint, sessions }: PromptRequest,
): Promise<PromptEncoder> {
  const { textWidth } = (network as Sd3Network).config;
  const { clipSkip = 0, maxSequenceLength: length = usualSd3Sequence } =
    options;
  await using opening = new AsyncDisposableStack();
  const layer = (skipped: number) => `hidden_states.${-2 - skipped}`;
  const outputs = [...new Set([layer(0), layer(clipSkip), "embeds"])];
  const open = async (suffix: string, length?: number) =>
    opening.use(
      await openTextTower(folder, {
        ...sessions,
        tokenizer: `tokenizer${suffix}`,
        encoder: `text_encoder${suffix}`,
        checkpoint,
        length,
        outputs,
      }),
    );
  const first = await open("");
  const second = await open("_2", first.tokens);
  const t5 = network.parts?.lacks("text_encoder_3") ? undefined : opening.use(
    await openT5Tower(folder, {
      ...sessions,
      tokenizer: "tokenizer_3",
      encoder: "text_encoder_3",
      checkpoint,
      length,
      seesPadding: true,
    }),
  );
  const none = zeros([1, length, textWidth]);
  const encode = async (prompt: string, skipped: number) => {
    const one = await first.features(prompt);
    const two = await second.features(prompt);
    const three = await t5?.features(prompt);
    const clip = sideBySide(one[layer(skipped)], two[layer(skipped)]);
    return {
      encoder_hidden_states: oneAfterTheOther(clip, three?.features ?? none),
      pooled_projections: sideBySide(one.embeds, two.embeds),
    };
  };
  const opened = opening.move();
  return {
    tokens: first.tokens + length,
    encode: (prompt) => encode(prompt, clipSkip),
    encodeNegative: (text) => encode(text, 0),
    unconditional: () => encode("", 0),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
