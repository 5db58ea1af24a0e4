/** A pipeline's text encoders with their tokenizers, from one prompt to its features. */
import { clipTextGraph } from "../../models/clip/clip.ts";
import { loadClipText } from "../../models/clip/clip_load.ts";
import { t5EncoderGraph } from "../../models/t5/t5.ts";
import { loadT5Encoder } from "../../models/t5/t5_load.ts";
import type { Graph } from "../../onnx/graph.ts";
import { openSession, type Session } from "../../runtime/session.ts";
import { int64, type Tensor } from "../../tensor/tensor.ts";
import { loadTokenizer, type TextTokenizer } from "../../text/tokenizer.ts";
import type {
  PromptEncoder,
  PromptInputs,
  PromptRequest,
} from "./prompt_encoder.ts";

/** An open text encoder. */
interface Tower<Features> {
  /** The number of tokens of every prompt, S. */
  readonly tokens: number;
  features(prompt: string): Promise<Features>;
}

/** Opens a pipeline's towers, each by the suffix of its folder's name and its tokenizer's: none, `_2` or `_3`. */
export class Towers {
  /** @param sessions The stack that gets the session of every tower. */
  constructor(
    readonly folder: string,
    private readonly request: PromptRequest,
    private readonly sessions: AsyncDisposableStack,
  ) {}

  /**
   * Opens a CLIP tower, which makes the features of a prompt by name, batch 1.
   *
   * @param options.outputs Names of features, as `clipTextGraph` knows them.
   * @param options.length The number of tokens, S; the tokenizer's own by default.
   * @param options.unread The number of last layers that the family never reads.
   * @throws {RangeError} If the tower has fewer layers than are to be skipped, or as `loadTokenizer`, `loadComponent` and `clipTextGraph`.
   */
  async clip(
    suffix: string,
    { outputs, length, unread = 0 }: {
      outputs: readonly string[];
      length?: number;
      unread?: number;
    },
  ): Promise<Tower<Record<string, Tensor>>> {
    const { config, weights } = await loadClipText(this.#encoder(suffix), {
      weights: this.request.checkpoint,
      projects: outputs.includes("embeds"),
    });
    const { clipSkip = 0 } = this.request.options;
    const most = config.layers - unread;
    if (clipSkip > most) {
      throw new RangeError(
        `Cannot encode prompts for ${this.folder}: clipSkip is ${clipSkip}, expected at most ${most}, as text_encoder${suffix} has ${config.layers} layers`,
      );
    }
    const tokenizer = await this.#tokenizer(suffix, config, length);
    const { length: tokens } = tokenizer;
    const options = { batch: 1, tokens, outputs: [...new Set(outputs)] };
    const session = await this.#open(clipTextGraph(config, weights, options));
    const features = (prompt: string) =>
      session.run({ input_ids: tokenizer.encode([prompt]).ids });
    return { tokens, features };
  }

  /**
   * Opens a T5 encoder, which makes the features of a prompt, `[1, S, E]`, and
   * its mask `[1, S]`: 1 for the prompt's own tokens, 0 for padding.
   *
   * @param options.length The number of tokens, S.
   * @param options.seesPadding Whether tokens attend to padding too.
   * @throws As `loadTokenizer` and `loadComponent`.
   */
  async t5(
    suffix: string,
    { length, seesPadding }: { length: number; seesPadding: boolean },
  ): Promise<Tower<{ features: Tensor; mask: Tensor }>> {
    const { config, weights } = await loadT5Encoder(this.#encoder(suffix), {
      weights: this.request.checkpoint,
    });
    const tokenizer = await this.#tokenizer(suffix, config, length);
    const size = { batch: 1, tokens: length };
    const session = await this.#open(t5EncoderGraph(config, weights, size));
    const all = int64([1, length], Array<number>(length).fill(1));
    return {
      tokens: length,
      async features(prompt) {
        const { ids, mask } = tokenizer.encode([prompt]);
        const attention_mask = seesPadding ? all : mask;
        const made = await session.run({ input_ids: ids, attention_mask });
        return { features: made.last_hidden_state, mask };
      },
    };
  }

  #encoder(suffix: string): string {
    return `${this.folder}/text_encoder${suffix}`;
  }

  #tokenizer(
    suffix: string,
    { vocabulary }: { vocabulary: number },
    length: number | undefined,
  ): Promise<TextTokenizer> {
    const folder = `${this.folder}/tokenizer${suffix}`;
    return loadTokenizer(folder, { length, vocabulary });
  }

  async #open(graph: Graph): Promise<Session> {
    return this.sessions.use(await openSession(graph, this.request.sessions));
  }
}

/** Opens a family's towers, and says how texts become the network's inputs. */
export type OpenTexts = (
  towers: Towers,
  request: PromptRequest,
) => Promise<{
  readonly tokens: number;
  encode(text: string, isNegative: boolean): Promise<PromptInputs>;
  /** The inputs if no negative text is given; by default the inputs of the empty text. */
  unconditional?(): Promise<PromptInputs>;
}>;

/** Opens a family's prompt encoder, which closes its towers. @throws As `loadTokenizer` and `loadComponent`. */
export const promptEncoder =
  (open: OpenTexts) =>
  async (folder: string, request: PromptRequest): Promise<PromptEncoder> => {
    await using opening = new AsyncDisposableStack();
    const towers = new Towers(folder, request, opening);
    const { tokens, encode, unconditional } = await open(towers, request);
    const opened = opening.move();
    return {
      tokens,
      encode: (prompt) => encode(prompt, false),
      encodeNegative: (text) => encode(text, true),
      unconditional: unconditional ?? (() => encode("", true)),
      [Symbol.asyncDispose]: () => opened.disposeAsync(),
    };
  };
