/**
 * CLIP's byte-pair encoding (Radford et al., 2021) as the description that a
 * tokenizer library reads. The class fixes the scheme around the vocabulary, as
 * in transformers, whatever a `tokenizer.json` says of it.
 */
import { isRecord } from "../files/read_json.ts";

const startToken = "<|startoftext|>";
const endToken = "<|endoftext|>";

/** The tokens of roles that no file gives. */
export const clipRoles = {
  bos_token: startToken,
  eos_token: endToken,
  unk_token: endToken,
  pad_token: endToken,
};

/** Matches start and end, an apostrophe's tail, runs of letters, single digits, runs of anything else. */
const wordPattern =
  "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";

/** Byte pairs: ids by token, and the pairs of pieces to join, in order. */
export interface BytePairs {
  readonly vocab: Readonly<Record<string, number>>;
  readonly merges: readonly (readonly [string, string])[];
}

/** The normaliser, pre-tokenizer and model of CLIP's scheme. */
export const clipScheme = (
  { vocab, merges }: BytePairs,
  unknown: string,
): object => ({
  normalizer: {
    type: "Sequence",
    normalizers: [
      { type: "NFC" },
      { type: "Replace", pattern: { Regex: "\\s+" }, content: " " },
      // Letters become lower case one by one: no sigma becomes a final one.
      { type: "Replace", pattern: { String: "Σ" }, content: "σ" },
      { type: "Lowercase" },
    ],
  },
  pre_tokenizer: {
    type: "Sequence",
    pretokenizers: [
      {
        type: "Split",
        pattern: { Regex: wordPattern },
        behavior: "Removed",
        invert: true,
      },
      { type: "ByteLevel", add_prefix_space: false, trim_offsets: true },
    ],
  },
  model: {
    type: "BPE",
    dropout: null,
    unk_token: unknown,
    continuing_subword_prefix: "",
    end_of_word_suffix: "</w>",
    fuse_unk: false,
    vocab,
    merges,
  },
});

/**
 * Reads the byte pairs of older folders' `vocab.json` and `merges.txt`.
 *
 * @param files.vocab Parsed `vocab.json`.
 * @param files.merges Text of `merges.txt`.
 * @throws {TypeError} If the vocabulary is no object of ids, lacks the start or end token, or a line of the merges is no pair of its pieces.
 */
export function bytePairsOf(
  folder: string,
  { vocab, merges }: { vocab: unknown; merges: string },
): BytePairs {
  const ids = checkedVocabulary(vocab, `${folder}/vocab.json`);
  return {
    vocab: ids,
    merges: mergesOf(merges, ids, `${folder}/merges.txt`),
  };
}

/**
 * Reads the byte pairs of a `tokenizer.json`.
 *
 * @param model The file's `model`.
 * @throws {TypeError} As {@linkcode bytePairsOf}.
 */
export function describedBytePairs(
  model: Readonly<Record<string, unknown>>,
  file: string,
): BytePairs {
  const vocab = checkedVocabulary(model.vocab, file);
  const list = Array.isArray(model.merges) ? model.merges : [null];
  const pairs = list.map((merge) =>
    typeof merge === "string" ? merge.split(" ") : merge
  );
  const isPair = (pair: unknown) =>
    Array.isArray(pair) && pair.length === 2 &&
    pair.every((piece) => typeof piece === "string");
  const odd = pairs.find((pair) => !isPair(pair));
  if (odd !== undefined) {
    throw new TypeError(
      `Cannot read ${file}: found the merge ${
        JSON.stringify(odd)
      }, expected a list of pairs of pieces`,
    );
  }
  return { vocab, merges: pairs as [string, string][] };
}

function checkedVocabulary(
  vocab: unknown,
  file: string,
): Record<string, number> {
  const refuse = (found: string) => {
    throw new TypeError(
      `Cannot read ${file}: found ${found}, expected whole numbers by token`,
    );
  };
  if (!isRecord(vocab)) return refuse("no object");
  for (const [token, id] of Object.entries(vocab)) {
    if (Number.isSafeInteger(id) && id as number >= 0) continue;
    refuse(`id ${JSON.stringify(id)} of "${token}"`);
  }
  for (const token of [startToken, endToken]) {
    if (Object.hasOwn(vocab, token)) continue;
    throw new TypeError(
      `Cannot read ${file}: token "${token}" is missing, expected CLIP's vocabulary`,
    );
  }
  return vocab as Record<string, number>;
}

/** The pairs of pieces, without the first line's version. */
function mergesOf(
  text: string,
  ids: Readonly<Record<string, number>>,
  file: string,
): [string, string][] {
  const merges: [string, string][] = [];
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line === "" || (i === 0 && line.startsWith("#version"))) continue;
    const [left, right, ...rest] = line.split(" ");
    const known = right !== undefined && rest.length === 0 &&
      Object.hasOwn(ids, left + right);
    if (!known) {
      throw new TypeError(
        `Cannot read ${file}: line ${
          i + 1
        } is "${line}", expected two pieces whose join is in vocab.json`,
      );
    }
    merges.push([left, right]);
  }
  return merges;
}
