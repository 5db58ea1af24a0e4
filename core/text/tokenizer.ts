/**
 * Texts to token ids as a diffusion pipeline's `tokenizer/` folder says, all
 * padded or cut to one length. The algorithms are `@huggingface/tokenizers`'.
 */
import { Tokenizer } from "@huggingface/tokenizers";
import { isFile } from "../files/is_file.ts";
import { ConfigJson, most } from "../files/config_json.ts";
import { readJson } from "../files/read_json.ts";
import { int64, type Tensor } from "../tensor/tensor.ts";
import { clipTokenizerJson } from "./clip_tokenizer.ts";
import { sentencePieceJson } from "./sentencepiece.ts";

/** Texts of one batch as tokens. */
export interface Tokens {
  /** `[B, L]` */
  readonly ids: Tensor<"int64">;
  /** 1 for a text's own tokens, start and end among them, 0 for padding; `[B, L]`. */
  readonly mask: Tensor<"int64">;
}

/** A loaded tokenizer. */
export class TextTokenizer {
  /**
   * @internal Use {@linkcode loadTokenizer}.
   *
   * @param length Tokens of every text, L.
   */
  constructor(
    private readonly tokenizer: Tokenizer,
    private readonly padding: number,
    readonly length: number,
  ) {}

  /** Tokens of B texts. One that is too long is cut before its end token, as diffusers does. */
  encode(texts: readonly string[]): Tokens {
    const { length } = this;
    const own = texts.map((text) => this.#cut(this.tokenizer.encode(text).ids));
    const shape = [texts.length, length];
    const row = (at: (i: number) => number) =>
      Array.from({ length }, (_, i) => at(i));
    const padded = (ids: readonly number[]) =>
      row((i) => ids[i] ?? this.padding);
    const kept = (ids: readonly number[]) => row((i) => i < ids.length ? 1 : 0);
    return {
      ids: int64(shape, own.flatMap(padded)),
      mask: int64(shape, own.flatMap(kept)),
    };
  }

  #cut(ids: readonly number[]): readonly number[] {
    if (ids.length <= this.length) return ids;
    return [...ids.slice(0, this.length - 1), ids[ids.length - 1]];
  }
}

/**
 * Loads a tokenizer from `tokenizer.json`, from CLIP's `vocab.json` and
 * `merges.txt`, or from T5's `spiece.model`; padding, and the length by
 * default, come from `tokenizer_config.json`.
 *
 * @param options.length Tokens of every text, where the model reads fewer than its tokenizer allows.
 * @throws {Deno.errors.NotFound} If the folder holds none of them, or no `tokenizer_config.json`.
 * @throws {TypeError} If a file is malformed, or the padding token is not in the vocabulary.
 */
export async function loadTokenizer(
  folder: string,
  options: { length?: number } = {},
): Promise<TextTokenizer> {
  const file = `${folder}/tokenizer_config.json`;
  const config = new ConfigJson(await readJson(file), file);
  const description = await descriptionIn(folder);
  const tokenizer = opened(folder, description, config.values);
  const { pad_token: found } = config.values;
  const token = isRecord(found) ? found.content : found;
  const padding = typeof token === "string"
    ? tokenizer.token_to_id(token)
    : undefined;
  if (padding === undefined) {
    throw new TypeError(
      `Cannot read ${file}: key "pad_token" is ${
        JSON.stringify(found)
      }, expected a token of the vocabulary`,
    );
  }
  const length = options.length ??
    config.positiveInteger("model_max_length", most.tokens);
  return new TextTokenizer(tokenizer, padding, length);
}

/** @throws {TypeError} If the library does not understand the description; its error is the `cause`. */
function opened(
  folder: string,
  description: object,
  config: object,
): Tokenizer {
  try {
    return new Tokenizer(description, config);
  } catch (cause) {
    throw new TypeError(
      `Cannot load tokenizer ${folder}: its tokenizer.json is of no known kind (${
        (cause as Error).message
      })`,
      { cause },
    );
  }
}

async function descriptionIn(folder: string): Promise<object> {
  if (await isFile(`${folder}/tokenizer.json`)) {
    const file = `${folder}/tokenizer.json`;
    return new ConfigJson(await readJson(file), file).values;
  }
  if (await isFile(`${folder}/vocab.json`)) {
    return clipTokenizerJson({
      folder,
      vocab: await readJson(`${folder}/vocab.json`),
      merges: await Deno.readTextFile(`${folder}/merges.txt`),
    });
  }
  const pieces = `${folder}/spiece.model`;
  if (await isFile(pieces)) {
    return sentencePieceJson(await Deno.readFile(pieces), pieces);
  }
  throw new Deno.errors.NotFound(
    `Cannot load tokenizer ${folder}: found neither tokenizer.json, vocab.json nor spiece.model`,
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
