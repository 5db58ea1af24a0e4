/** Prompts to tokens for the page, which is told what the model has never read. */
import { readJson } from "@dip-go/core/files";
import { loadTokenizer, type TextTokenizer } from "@dip-go/core/text";
import type { Tokens } from "./demo_api.ts";

/** Marks a token that ends a word in CLIP's vocabularies. */
const wordEnd = "</w>";

/** A model's tokenizer. */
export class PromptTokens {
  private constructor(
    private readonly tokenizer: TextTokenizer,
    /** Tokens of several letters that are whole words, no piece of another. */
    readonly words: readonly string[],
  ) {}

  /** @param folder A pipeline's `tokenizer/`, in CLIP's layout. @throws As `loadTokenizer`. */
  static async load(folder: string): Promise<PromptTokens> {
    const vocabulary = Object.keys(
      await readJson(`${folder}/vocab.json`) as Record<string, number>,
    );
    const merges = await Deno.readTextFile(`${folder}/merges.txt`);
    const pieces = new Set(merges.split(/\s+/));
    const words = vocabulary
      .filter((token) => token.endsWith(wordEnd) && !pieces.has(token))
      .map((token) => token.slice(0, -wordEnd.length))
      .filter((word) => /^[a-z]{2,}$/.test(word));
    return new PromptTokens(await loadTokenizer(folder), words);
  }

  /** A prompt's tokens; start and end are two of them. */
  tokens(prompt: string): Tokens {
    const { length } = this.tokenizer;
    const words = prompt.toLowerCase().match(/[^\s,]+|,/g) ?? [];
    const known = (word: string) =>
      word.length === 1 || this.words.includes(word);
    return {
      ids: [...this.tokenizer.encode([prompt]).ids.data].map(Number),
      unknown: [...new Set(words.filter((word) => !known(word)))],
      cut: words.length + 2 > length,
    };
  }
}
