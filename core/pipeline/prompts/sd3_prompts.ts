/**
 * Prompts for Stable Diffusion 3 (Esser et al., 2024): features of two CLIP
 * towers side by side, widened to T5's by zeros, then T5's features; and the
 * CLIP towers' text embeddings side by side.
 */
import type { Network } from "../../models/network.ts";
import { joinedAlong } from "../../tensor/batch.ts";
import { type Tensor, zeros } from "../../tensor/tensor.ts";
import type { OpenTexts } from "./towers.ts";

/** The default number of tokens that T5 reads of a prompt. */
export const usualSd3Sequence = 256;

type Sd3Network = Extract<Network, { family: "sd3" }>;

/**
 * Makes `encoder_hidden_states` `[1, S + T, E]` and `pooled_projections`
 * `[1, P]`. If T5 was not saved, its features are zeros. CLIP's layers are
 * skipped in prompts, not in negative prompts, as in diffusers.
 *
 * @throws {RangeError} If the towers have fewer layers than are to be skipped.
 * @throws {TypeError} If CLIP's features are wider than T5's.
 */
export const sd3Texts: OpenTexts = async (towers, { network, options }) => {
  const { textWidth } = (network as Sd3Network).config;
  const { clipSkip = 0, maxSequenceLength: length = usualSd3Sequence } =
    options;
  const layer = (skipped: number) => `hidden_states.${-2 - skipped}`;
  const outputs = [layer(0), layer(clipSkip), "embeds"];
  const asked = { outputs, unread: 1 };
  const first = await towers.clip("", asked);
  const second = await towers.clip("_2", { ...asked, length: first.tokens });
  const t5 = network.parts?.lacks("text_encoder_3")
    ? undefined
    : await towers.t5("_3", { length, seesPadding: true });
  const none = zeros([1, length, textWidth]);
  return {
    tokens: first.tokens + length,
    async encode(text, isNegative) {
      const own = layer(isNegative ? 0 : clipSkip);
      const one = await first.features(text);
      const two = await second.features(text);
      const three = await t5?.features(text);
      const clip = joinedAlong(2, [one[own], two[own]]);
      return {
        encoder_hidden_states: oneAfterTheOther(clip, three?.features ?? none),
        pooled_projections: joinedAlong(1, [one.embeds, two.embeds]),
      };
    },
  };
};

/** Joins `[1, S, A]`, widened by zeros, and `[1, T, width]` to `[1, S + T, width]`. @throws {TypeError} If A > width. */
function oneAfterTheOther(a: Tensor, b: Tensor): Tensor {
  const [, rows, narrow] = a.shape;
  const [, , width] = b.shape;
  if (narrow > width) {
    throw new TypeError(
      `Cannot join features: the first are ${narrow} wide, expected at most ${width}, as the second`,
    );
  }
  const widened = joinedAlong(2, [a, zeros([1, rows, width - narrow])]);
  return joinedAlong(1, [widened, b]);
}
