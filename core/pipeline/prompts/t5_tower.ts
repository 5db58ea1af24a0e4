/** A T5 encoder with its tokenizer: one prompt at a time to its features. */
import { t5EncoderGraph } from "../../models/t5/t5.ts";
import { loadT5Encoder } from "../../models/t5/t5_load.ts";
import { openSession } from "../../runtime/session.ts";
import type { SessionOptions } from "../../runtime/session_options.ts";
import { int64, type Tensor } from "../../tensor/tensor.ts";
import { loadTokenizer } from "../../text/tokenizer.ts";

/** Hold it with `await using`. */
export interface T5Tower extends AsyncDisposable {
  /** S, of every prompt. */
  readonly tokens: number;
  /** The features of a prompt `[1, S, E]`, and 1 for its own tokens, 0 for padding, `[1, S]`. */
  features(
    prompt: string,
  ): Promise<{ readonly features: Tensor; readonly mask: Tensor }>;
}

/** What of a pipeline makes a tower, and how it reads. */
export interface T5Parts extends SessionOptions {
  /** Folder of the encoder within the pipeline's. */
  readonly encoder: string;
  /** Folder of its tokenizer within the pipeline's. */
  readonly tokenizer: string;
  /** The file of its weights, if not in its folder. */
  readonly checkpoint?: string;
  /** S. */
  readonly length: number;
  /** Whether its tokens look at padding too. */
  readonly seesPadding: boolean;
}

/** @throws As `loadTokenizer` and `loadComponent`. */
export async function openT5Tower(
  folder: string,
  {
    encoder,
    tokenizer: vocabulary,
    length,
    seesPadding,
    checkpoint,
    ...options
  }: T5Parts,
): Promise<T5Tower> {
  const { config, weights } = await loadT5Encoder(`${folder}/${encoder}`, {
    weights: checkpoint,
  });
  const tokenizer = await loadTokenizer(`${folder}/${vocabulary}`, {
    length,
    vocabulary: config.vocabulary,
  });
  const size = { batch: 1, tokens: length };
  const session = await openSession(
    t5EncoderGraph(config, weights, size),
    options,
  );
  const all = int64([1, length], Array<number>(length).fill(1));
  return {
    tokens: length,
    async features(prompt) {
      const { ids, mask } = tokenizer.encode([prompt]);
      const { last_hidden_state } = await session.run({
        input_ids: ids,
        attention_mask: seesPadding ? all : mask,
      });
      return { features: last_hidden_state, mask };
    },
    [Symbol.asyncDispose]: () => session.close(),
  };
}
