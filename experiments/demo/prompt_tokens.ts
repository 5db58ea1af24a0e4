/** Encodes prompts for the page, and finds the words that the model has never read. */
import { readJson } from "@dip-go/core/files";
import { loadTokenizer, type TextTokenizer } from "@dip-go/core/text";
import type { Tokens } from "./demo_api.ts";

/** Marks a token that ends a word in CLIP's vocabularies. */
const wordEnd = "</w>";

/** A model's tokenizer. */
export class PromptTokens {
  private constructor(
    private readonly tokenizer: TextTokenizer,
    /** Tokens of several letters that are whole words, not pieces of other words. */
    readonly words: readonly string[],
  ) {}

  /** Loads it. @param folder A pipeline's `tokenizer/`, in CLIP's layout. @throws As `loadTokenizer`. */
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

  /** A prompt's tokens, with start and end among them. */
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
