/** Prompts to tokens for the page, which is told what the model has never read. */
import {
  loadTokenizer,
  type TextTokenizer,
} from "../../core/text/tokenizer.ts";
import { readJson } from "../../core/read_json.ts";
import type { Tokens } from "./demo_api.ts";

/** Marks a token that ends a word in CLIP's vocabularies. */
const wordEnd = "</w>";

/** A model's tokenizer. */
export class PromptTokens {
  private constructor(
    private readonly tokenizer: TextTokenizer,
    /** Whole words, without single letters that are only pieces. */
    readonly words: readonly string[],
  ) {}

  /** @param folder A pipeline's `tokenizer/`, in CLIP's layout. @throws As `loadTokenizer`. */
  static async load(folder: string): Promise<PromptTokens> {
    const vocabulary = Object.keys(
      await readJson(`${folder}/vocab.json`) as Record<string, number>,
    );
    const words = vocabulary
      .filter((token) => /^[a-z]{2,}<\/w>$/.test(token))
      .map((token) => token.slice(0, -wordEnd.length));
    return new PromptTokens(await loadTokenizer(folder), words);
  }

  /** A prompt's tokens. */
  tokens(prompt: string): Tokens {
    const { length } = this.tokenizer;
    const words = [...new Set(prompt.toLowerCase().match(/[^\s,]+/g) ?? [])];
    const ids = [...this.tokenizer.encode([prompt]).ids.data].map(Number);
    const pieces = prompt.split(/[\s,]+/).filter((word) => word !== "").length;
    return {
      ids,
      unknown: words.filter((word) => this.#pieces(word) > 1),
      cut: pieces + 2 > length,
    };
  }

  /** Tokens of a word: those of the text less start and end. */
  #pieces(word: string): number {
    const { mask } = this.tokenizer.encode([word]);
    return mask.data.reduce((sum, own) => sum + Number(own), 0) - 2;
  }
}
