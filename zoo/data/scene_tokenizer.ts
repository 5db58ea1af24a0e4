/**
 * The tokenizer of the scenes' captions, in CLIP's format (Radford et al.,
 * 2021): byte-pair encoding whose merges make every word of the vocabulary one
 * token; anything else falls apart into pieces and bytes.
 */
import { writeAtomically } from "@dip-go/core/files";
import { writeJson } from "../training/model_folder.ts";
import { vocabulary } from "./scenes.ts";

/** The number of tokens in a caption, including start, end and padding. */
export const captionLength = 24;

const start = "<|startoftext|>";
const end = "<|endoftext|>";
/** Marks the last piece of a word. */
const wordEnd = "</w>";

/** GPT-2's printable stand-ins for the 256 bytes: a byte that prints stands for itself, the others follow from U+0100. */
function byteCharacters(): string[] {
  const prints = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) ||
    (byte >= 0xae && byte <= 0xff);
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  const printing = bytes.filter(prints);
  const others = bytes.filter((byte) => !prints(byte));
  return [
    ...printing.map((byte) => String.fromCodePoint(byte)),
    ...others.map((_, i) => String.fromCodePoint(256 + i)),
  ];
}

/** Two neighbouring pieces that become one. */
type Merge = readonly [string, string];

/** The most frequent pair of neighbours; of equally frequent ones the first in code point order. */
function commonestPair(words: readonly (readonly string[])[]): Merge | null {
  const counts = new Map<string, number>();
  for (const pieces of words) {
    for (let i = 1; i < pieces.length; i++) {
      const pair = `${pieces[i - 1]} ${pieces[i]}`;
      counts.set(pair, (counts.get(pair) ?? 0) + 1);
    }
  }
  const [first] = [...counts].sort(([a, n], [b, m]) =>
    m - n || (a < b ? -1 : 1)
  );
  if (!first) return null;
  const [left, right] = first[0].split(" ");
  return [left, right];
}

function merged(pieces: readonly string[], [left, right]: Merge): string[] {
  const result: string[] = [];
  for (const piece of pieces) {
    const joins = piece === right && result.at(-1) === left;
    if (joins) result[result.length - 1] = left + right;
    else result.push(piece);
  }
  return result;
}

/** The merges that make each of the words a single piece, in order. */
export function learnMerges(words: readonly string[]): Merge[] {
  let pieces = words.map((word) => {
    const letters = [...word];
    return letters.with(-1, letters.at(-1)! + wordEnd);
  });
  const merges: Merge[] = [];
  for (;;) {
    const pair = commonestPair(pieces);
    if (!pair) return merges;
    merges.push(pair);
    pieces = pieces.map((word) => merged(word, pair));
  }
}

const merges = learnMerges(vocabulary);

/** Id of each token, in CLIP's order: bytes, bytes that end a word, merges, start, end. */
export const tokenIds: Readonly<Record<string, number>> = Object.fromEntries([
  ...byteCharacters(),
  ...byteCharacters().map((character) => character + wordEnd),
  ...merges.map((merge) => merge.join("")),
  start,
  end,
].map((token, id) => [token, id]));

/** Size of the embedding table. */
export const vocabularySize = Object.keys(tokenIds).length;

/** Id of the padding, which is the end token as in Stable Diffusion 1. */
export const endToken = tokenIds[end];

/**
 * Ids of a caption of the data set, `[captionLength]`: start, a token a word, end, padding.
 *
 * @throws {RangeError} If a word is not in the vocabulary or the caption is too long.
 */
export function encodeCaption(caption: string): number[] {
  const words = caption.replaceAll(",", " ,").split(" ").filter((w) =>
    w !== ""
  );
  const ids = [tokenIds[start], ...words.map(idOfWord), endToken];
  if (ids.length > captionLength) {
    throw new RangeError(
      `Cannot encode "${caption}": ${ids.length} tokens, expected at most ${captionLength}`,
    );
  }
  return [...ids, ...Array<number>(captionLength - ids.length).fill(endToken)];
}

function idOfWord(word: string): number {
  const id = tokenIds[word + wordEnd];
  if (id !== undefined) return id;
  throw new RangeError(
    `Cannot encode "${word}": expected one of ${vocabulary.join(" ")}`,
  );
}

const addedToken = (content: string) => ({
  __type: "AddedToken",
  content,
  lstrip: false,
  normalized: true,
  rstrip: false,
  single_word: false,
});

const tokenizerConfig = {
  add_prefix_space: false,
  bos_token: addedToken(start),
  do_lower_case: true,
  eos_token: addedToken(end),
  errors: "replace",
  model_max_length: captionLength,
  pad_token: end,
  tokenizer_class: "CLIPTokenizer",
  unk_token: addedToken(end),
};

const specialTokens = {
  bos_token: start,
  eos_token: end,
  pad_token: end,
  unk_token: end,
};

/** Writes `vocab.json`, `merges.txt` and the two small configs. */
export async function writeSceneTokenizer(folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const json = (file: string, value: unknown) =>
    writeJson(`${folder}/${file}`, value);
  await json("vocab.json", tokenIds);
  const lines = ["#version: 0.2", ...merges.map((merge) => merge.join(" "))];
  await writeAtomically(`${folder}/merges.txt`, lines.join("\n") + "\n");
  await json("tokenizer_config.json", tokenizerConfig);
  await json("special_tokens_map.json", specialTokens);
}
