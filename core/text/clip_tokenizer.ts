/**
 * CLIP's byte-pair encoding (Radford et al., 2021) as the description that a
 * tokenizer library reads, made from the two files that older folders hold:
 * `vocab.json` and `merges.txt`.
 */

const startToken = "<|startoftext|>";
const endToken = "<|endoftext|>";

/** Words with an apostrophe's tail apart, runs of letters, single digits, runs of anything else. */
const wordPattern =
  "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";

/** The content of the two files, and their folder for errors. */
export interface ClipVocabulary {
  readonly folder: string;
  /** Parsed `vocab.json`. */
  readonly vocab: unknown;
  /** Text of `merges.txt`. */
  readonly merges: string;
}

/**
 * The `tokenizer.json` of a CLIP vocabulary.
 *
 * @throws {TypeError} If the vocabulary is no object of ids, lacks the start or end token, or a line of the merges is no pair of its pieces.
 */
export function clipTokenizerJson(
  { folder, vocab, merges }: ClipVocabulary,
): object {
  const ids = checkedVocabulary(vocab, `${folder}/vocab.json`);
  const special = (content: string) => ({
    id: ids[content],
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [special(startToken), special(endToken)],
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "NFC" },
        { type: "Replace", pattern: { Regex: "\\s+" }, content: " " },
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
    post_processor: {
      type: "RobertaProcessing",
      sep: [endToken, ids[endToken]],
      cls: [startToken, ids[startToken]],
      trim_offsets: false,
      add_prefix_space: false,
    },
    decoder: null,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: endToken,
      continuing_subword_prefix: "",
      end_of_word_suffix: "</w>",
      fuse_unk: false,
      vocab: ids,
      merges: mergesOf(merges, ids, `${folder}/merges.txt`),
    },
  };
}

function checkedVocabulary(
  vocab: unknown,
  file: string,
): Record<string, number> {
  const isObject = typeof vocab === "object" && vocab !== null &&
    !Array.isArray(vocab);
  const odd = isObject
    ? Object.entries(vocab).find(([, id]) => !Number.isSafeInteger(id))
    : undefined;
  if (!isObject || odd) {
    throw new TypeError(
      `Cannot read ${file}: found ${
        odd ? `id ${JSON.stringify(odd[1])} of "${odd[0]}"` : "no object"
      }, expected whole numbers by token`,
    );
  }
  for (const token of [startToken, endToken]) {
    if (Object.hasOwn(vocab, token)) continue;
    throw new TypeError(
      `Cannot read ${file}: token "${token}" is missing, expected CLIP's vocabulary`,
    );
  }
  return vocab as Record<string, number>;
}

/** Pairs of pieces, the first line's version left out. */
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
