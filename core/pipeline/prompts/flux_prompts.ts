/** Prompts for FLUX.1 (Black Forest Labs, 2024): T5's features, CLIP's pooled one, and the scale of guidance where the network is told it. */
import type { Network } from "../../models/network.ts";
import { float32 } from "../../tensor/tensor.ts";
import type {
  PromptEncoder,
  PromptInputs,
  PromptRequest,
} from "./prompt_encoder.ts";
import { openT5Tower } from "./t5_tower.ts";
import { openTextTower } from "./text_tower.ts";

/** Tokens that T5 reads of a prompt where nobody says otherwise. */
export const usualFluxSequence = 512;

type FluxNetwork = Extract<Network, { family: "flux" }>;

/**
 * Makes `encoder_hidden_states` `[1, S, E]`, `pooled_projections` `[1, P]` and,
 * in a guidance-distilled network, `guidance` `[1]`.
 *
 * @throws As `openTextTower` and `openT5Tower`.
 */
export async function openFluxPrompts(
  folder: string,
  {
    network,
    checkpoint,
    sessions,
    guidanceScale,
    options: { maxSequenceLength: length = usualFluxSequence },
  }: PromptRequest,
): Promise<PromptEncoder> {
  const { guidanceEmbeds } = (network as FluxNetwork).config;
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
  const scale: PromptInputs = guidanceEmbeds
    ? { guidance: float32([1], [guidanceScale]) }
    : {};
  const encode = async (prompt: string) => {
    const { pooler_output } = await clip.features(prompt);
    const { features } = await t5.features(prompt);
    return {
      encoder_hidden_states: features,
      pooled_projections: pooler_output,
      ...scale,
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
