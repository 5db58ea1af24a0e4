/**
 * Prompts for Stable Diffusion 3 (Esser et al., 2024): features of two CLIP
 * towers side by side, widened to T5's by zeros, and T5's after them; the towers'
 * text embeddings side by side.
 */
import type { Network } from "../../models/network.ts";
import { zeros } from "../../tensor/tensor.ts";
import { oneAfterTheOther, sideBySide } from "./feature_rows.ts";
import type { PromptEncoder, PromptRequest } from "./prompt_encoder.ts";
import { openT5Tower, type T5Tower } from "./t5_tower.ts";
import { openTextTower } from "./text_tower.ts";

/** Tokens that T5 reads of a prompt where nobody says otherwise. */
export const usualSd3Sequence = 256;

type Sd3Network = Extract<Network, { family: "sd3" }>;

/**
 * Makes `encoder_hidden_states` `[1, S + T, E]` and `pooled_projections`
 * `[1, P]`. A pipeline saved without its T5 has zeros in the place of that one's
 * features. Layers of CLIP are skipped for prompts alone, as in diffusers.
 *
 * @throws {RangeError} If the towers read texts of different lengths, or have fewer layers than are to be skipped.
 * @throws {TypeError} If the features are wider than the network's text.
 * @throws As `openTextTower` and `openT5Tower`.
 */
export async function openSd3Prompts(
  folder: string,
  { network, parts, options, sessions }: PromptRequest,
): Promise<PromptEncoder> {
  const { textWidth } = (network as Sd3Network).config;
  const { clipSkip = 0, maxSequenceLength: length = usualSd3Sequence } =
    options;
  await using opening = new AsyncDisposableStack();
  const layer = (skipped: number) => `hidden_states.${-2 - skipped}`;
  const outputs = [...new Set([layer(0), layer(clipSkip), "embeds"])];
  const open = async (suffix: string) =>
    opening.use(
      await openTextTower(folder, {
        ...sessions,
        tokenizer: `tokenizer${suffix}`,
        encoder: `text_encoder${suffix}`,
        outputs,
      }),
    );
  const towers = [await open(""), await open("_2")] as const;
  const [first, second] = towers;
  if (first.tokens !== second.tokens) {
    throw new RangeError(
      `Cannot encode prompts for ${folder}: its tokenizers make ${first.tokens} and ${second.tokens} tokens, expected the same number`,
    );
  }
  const t5 = opening.use(
    parts?.lacks("text_encoder_3")
      ? noT5({ length, width: textWidth })
      : await openT5Tower(folder, {
        ...sessions,
        tokenizer: "tokenizer_3",
        encoder: "text_encoder_3",
        length,
        seesPadding: true,
      }),
  );
  const encode = async (prompt: string, skipped: number) => {
    const one = await first.features(prompt);
    const two = await second.features(prompt);
    const { features } = await t5.features(prompt);
    const clip = sideBySide(one[layer(skipped)], two[layer(skipped)]);
    if (clip.shape[2] > textWidth || features.shape[2] !== textWidth) {
      throw new TypeError(
        `Cannot encode prompts for ${folder}: CLIP's features are ${
          clip.shape[2]
        } wide and T5's ${
          features.shape[2]
        }, expected at most ${textWidth} and ${textWidth}, the network's joint_attention_dim`,
      );
    }
    return {
      encoder_hidden_states: oneAfterTheOther(clip, features),
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

/** In the place of a T5: zeros. */
function noT5(
  { length, width }: { readonly length: number; readonly width: number },
): T5Tower {
  const none = {
    features: zeros([1, length, width]),
    mask: zeros([1, length]),
  };
  return {
    tokens: length,
    features: () => Promise.resolve(none),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
