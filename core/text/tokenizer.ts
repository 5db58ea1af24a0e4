/**
 * Texts to token ids by a diffusion pipeline's `tokenizer/` folder, all padded
 * or cut to one length. The algorithms are `@huggingface/tokenizers`'.
 */
import { Tokenizer } from "@huggingface/tokenizers";
import { most } from "../files/config_json.ts";
import { int64, type Tensor } from "../tensor/tensor.ts";
import type { NamedTokens } from "./added_tokens.ts";
import { readTokenizerFolder, type TokenizerFolder } from "./folder.ts";

/** Texts of one batch as tokens. */
export interface Tokens {
  /** Token ids, `[B, L]`. */
  readonly ids: Tensor<"int64">;
  /** 1 for a text's own tokens, including start and end, 0 for padding; `[B, L]`. */
  readonly mask: Tensor<"int64">;
}

/** A model's demands on its tokenizer. */
export interface TokenizerOptions {
  /** The number of tokens of every text, if the model reads fewer than its tokenizer allows. */
  readonly length?: number;
  /** Rows of the model's embedding: a text with a token beyond them is refused. */
  readonly vocabulary?: number;
}

interface TokenizerParts {
  readonly folder: string;
  readonly tokenizer: Tokenizer;
  readonly named: NamedTokens;
  /** The id of the token that pads a text. */
  readonly padding: number;
  readonly length: number;
  readonly vocabulary: number;
}

export class TextTokenizer {
  /** The number of tokens of every text, L. */
  readonly length: number;
  readonly #parts: TokenizerParts;
  readonly #learnt: readonly LearntWord[];

  /** @internal Use {@linkcode loadTokenizer}. */
  constructor(parts: TokenizerParts) {
    this.length = parts.length;
    this.#parts = parts;
    this.#learnt = learntWords(parts.named);
  }

  /**
   * Encodes B texts, each cut before its end token if too long, as in
   * diffusers.
   *
   * @throws {RangeError} If a token is beyond the model's embedding.
   */
  encode(texts: readonly string[]): Tokens {
    const { length } = this;
    const { padding } = this.#parts;
    const own = texts.map((text) => this.#cut(this.#idsOf(text)));
    this.#checkKnown([...own.flat(), padding]);
    const shape = [texts.length, length];
    const row = (at: (i: number) => number) =>
      Array.from({ length }, (_, i) => at(i));
    const padded = (ids: readonly number[]) => row((i) => ids[i] ?? padding);
    const kept = (ids: readonly number[]) => row((i) => i < ids.length ? 1 : 0);
    return {
      ids: int64(shape, own.flatMap(padded)),
      mask: int64(shape, own.flatMap(kept)),
    };
  }

  #checkKnown(ids: readonly number[]): void {
    const { folder, tokenizer, vocabulary } = this.#parts;
    const odd = ids.find((id) => id >= vocabulary);
    if (odd === undefined) return;
    throw new RangeError(
      `Cannot encode a text with ${folder}: its token "${
        tokenizer.id_to_token(odd)
      }" is ${odd}, expected less than ${vocabulary}, the rows of the text encoder's embedding`,
    );
  }

  #idsOf(text: string): readonly number[] {
    const { tokenizer } = this.#parts;
    const { ids } = tokenizer.encode(text);
    const present = this.#learnt.filter(({ id }) => ids.includes(id));
    if (present.length === 0) return ids;
    const whole = present.reduce(
      (text, { word, whole }) => text.replaceAll(word, () => whole),
      text,
    );
    return tokenizer.encode(whole).ids;
  }

  #cut(ids: readonly number[]): readonly number[] {
    if (ids.length <= this.length) return ids;
    return [...ids.slice(0, this.length - 1), ids[ids.length - 1]];
  }
}

/** A word of several vectors: its tokens are `word`, `word_1`, `word_2` …, and a text holds the first. */
interface LearntWord {
  readonly word: string;
  readonly id: number;
  /** All of the word's tokens, as a text. */
  readonly whole: string;
}

/** The words that textual inversion taught in several vectors, by diffusers' names for the vectors. */
function learntWords({ added }: NamedTokens): LearntWord[] {
  const contents = new Set(added.map(({ content }) => content));
  return added.flatMap(({ content: word, id }) => {
    const parts = [word];
    while (contents.has(`${word}_${parts.length}`)) {
      parts.push(`${word}_${parts.length}`);
    }
    return parts.length === 1 ? [] : [{ word, id, whole: parts.join(" ") }];
  });
}

/**
 * Loads a tokenizer from `tokenizer.json`, from CLIP's `vocab.json` and
 * `merges.txt`, or from T5's `spiece.model`; special tokens, and the default
 * length, come from `tokenizer_config.json` and, in older folders,
 * `special_tokens_map.json` and `added_tokens.json`.
 *
 * @throws {Deno.errors.NotFound} If the folder holds none of them, or no `tokenizer_config.json`.
 * @throws {TypeError} If a file is malformed, or the padding token is not in the vocabulary.
 */
export async function loadTokenizer(
  folder: string,
  { length, vocabulary = Infinity }: TokenizerOptions = {},
): Promise<TextTokenizer> {
  const files = await readTokenizerFolder(folder);
  const { config, named } = files;
  const tokenizer = opened(folder, files);
  const padding = tokenizer.token_to_id(named.role("pad_token") ?? "") ??
    config.refuse("pad_token", "a token of the vocabulary");
  return new TextTokenizer({
    folder,
    tokenizer,
    named,
    padding,
    vocabulary,
    length: length ?? config.positiveInteger("model_max_length", most.tokens),
  });
}

/** @throws {TypeError} If the library does not understand the description; its error is the `cause`. */
function opened(
  folder: string,
  { scheme, normalizer, named, ends }: TokenizerFolder,
): Tokenizer {
  const description = {
    ...scheme,
    added_tokens: named.added,
    post_processor: postProcessor(ends),
    decoder: null,
  };
  let tokenizer: Tokenizer;
  try {
    tokenizer = new Tokenizer(description, {});
  } catch (cause) {
    throw new TypeError(
      `Cannot load tokenizer ${folder}: its vocabulary is of no known kind (${
        (cause as Error).message
      })`,
      { cause },
    );
  }
  if (normalizer) tokenizer.normalizer = normalizer;
  return tokenizer;
}

/** The template that puts the start and end tokens around each text. */
function postProcessor({ start, end }: TokenizerFolder["ends"]): object {
  const special = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
  const text = { Sequence: { id: "A", type_id: 0 } };
  const single = [...start ? [special(start)] : [], text, special(end)];
  return { type: "TemplateProcessing", single, pair: single };
}
