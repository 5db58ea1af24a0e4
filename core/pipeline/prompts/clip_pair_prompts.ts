/**
 * Prompts for SDXL (Podell et al., 2023): features of two text towers side by
 * side, the second's text embedding, and the picture's sizes.
 */
import { joinedAlong } from "../../tensor/batch.ts";
import { float32, type Tensor, zeros } from "../../tensor/tensor.ts";
import type { PromptRequest } from "./prompt_encoder.ts";
import type { OpenTexts } from "./towers.ts";

/**
 * Makes `encoder_hidden_states` `[1, S, D1 + D2]`, or of the second tower alone
 * in the refiner, `text_embeds` `[1, P]`, and `time_ids` `[1, 6]`: original
 * size, top left corner, size of the picture; in the refiner `[1, 5]`, with an
 * aesthetic score instead of the size. Layers are skipped in prompts, not in
 * negative prompts, as in diffusers.
 *
 * @throws {RangeError} If the towers read texts of different lengths.
 */
export const clipPairTexts: OpenTexts = async (towers, request) => {
  const { clipSkip = 0, aestheticScore = 6, negativeAestheticScore = 2.5 } =
    request.options;
  const { parts } = request.network;
  const layer = (skipped: number) => `hidden_states.${-2 - skipped}`;
  const layers = [layer(0), layer(clipSkip)];
  const first = parts?.lacks("text_encoder")
    ? undefined
    : await towers.clip("", { outputs: layers, unread: 1 });
  const outputs = [...layers, "embeds"];
  const second = await towers.clip("_2", { outputs, unread: 1 });
  if (first && first.tokens !== second.tokens) {
    throw new RangeError(
      `Cannot encode prompts for ${towers.folder}: its tokenizers make ${first.tokens} and ${second.tokens} tokens, expected the same number`,
    );
  }
  const encode = async (text: string, isNegative: boolean) => {
    const [own, score] = isNegative
      ? [layer(0), negativeAestheticScore]
      : [layer(clipSkip), aestheticScore];
    const one = await first?.features(text);
    const two = await second.features(text);
    return {
      encoder_hidden_states: joinedAlong(
        2,
        one ? [one[own], two[own]] : [two[own]],
      ),
      text_embeds: two.embeds,
      time_ids: timeIds(request, score),
    };
  };
  return {
    tokens: second.tokens,
    encode,
    async unconditional() {
      const own = await encode("", true);
      if (parts?.zerosForEmpty === false) return own;
      return {
        ...own,
        encoder_hidden_states: zeros(own.encoder_hidden_states.shape),
        text_embeds: zeros(own.text_embeds.shape),
      };
    },
  };
};

/** Original size, top left corner, and the picture's size or, if the network reads five numbers, its score. */
function timeIds(
  { network, size: { height, width } }: PromptRequest,
  score: number,
): Tensor<"float32"> {
  const { added } = network.family === "unet" ? network.config : {};
  const last = added?.timeIds === 5 ? [score] : [height, width];
  return float32([1, 4 + last.length], [height, width, 0, 0, ...last]);
}
