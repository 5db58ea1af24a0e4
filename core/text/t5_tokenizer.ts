/**
 * T5's split into the likeliest pieces (Kudo, 2018) as the description that a
 * tokenizer library reads. The class fixes the scheme around the pieces, as in
 * transformers, whatever a `tokenizer.json` says of it.
 */
import { type ConfigJson, most } from "../files/config_json.ts";

/** Pieces with the logarithm of their likelihood; the id of a piece is its index. */
export interface Unigrams {
  readonly pieces: readonly (readonly [piece: string, score: number])[];
  readonly unknownId: number;
  /** The table by which texts are normalised, as `CharacterMap` reads it; null for none. */
  readonly characterMap: Uint8Array | null;
  /** Control pieces, which no text is split into. */
  readonly controls: readonly string[];
}

/** The tokens of roles that no file gives. */
export const t5Roles = {
  eos_token: "</s>",
  unk_token: "<unk>",
  pad_token: "<pad>",
};

/** The number of T5's sentinels if its configuration names none. */
const sentinels = 100;

/** The names of T5's sentinels, which stand for left-out text. @throws {TypeError} If a vocabulary cannot have as many. */
export function sentinelNames(config: ConfigJson): string[] {
  const key = "extra_ids";
  const length = config.value(key) ?? sentinels;
  if (
    !Number.isSafeInteger(length) || length as number < 0 ||
    length as number > most.tokens
  ) {
    config.refuse(key, `a whole number of at most ${most.tokens}`);
  }
  return Array.from({ length: length as number }, (_, i) => `<extra_id_${i}>`);
}

/** Adds the sentinels to the pieces of a `spiece.model`, the last sentinel first. */
export const withSentinels = (
  unigrams: Unigrams,
  names: readonly string[],
): Unigrams => ({
  ...unigrams,
  pieces: [
    ...unigrams.pieces,
    ...names.toReversed().map((name) => [name, 0] as const),
  ],
});

/** The pre-tokenizer and model of T5's scheme; its normaliser is a `CharacterMap`. */
export const t5Scheme = ({ pieces, unknownId }: Unigrams): object => ({
  normalizer: null,
  pre_tokenizer: {
    type: "Sequence",
    pretokenizers: [
      {
        type: "Split",
        pattern: { Regex: "\\s+" },
        behavior: "Removed",
        invert: false,
      },
      { type: "Metaspace", replacement: "▁", prepend_scheme: "always" },
    ],
  },
  model: { type: "Unigram", unk_id: unknownId, vocab: pieces },
});

/**
 * Reads the pieces of a `tokenizer.json`.
 *
 * @param description The file's model and normaliser.
 * @throws {TypeError} If the model is no list of pieces with an unknown one.
 */
export function describedUnigrams(
  { model, normalizer }: {
    readonly model: Readonly<Record<string, unknown>>;
    readonly normalizer?: unknown;
  },
  file: string,
): Unigrams {
  const { vocab, unk_id: unknownId } = model;
  const isPiece = (entry: unknown) =>
    Array.isArray(entry) && typeof entry[0] === "string" &&
    typeof entry[1] === "number";
  const pieces = Array.isArray(vocab) ? vocab : [null];
  const odd = pieces.find((entry) => !isPiece(entry));
  if (odd !== undefined) {
    throw new TypeError(
      `Cannot read ${file}: found the piece ${
        JSON.stringify(odd)
      }, expected a list of pieces with their scores`,
    );
  }
  if (!Number.isSafeInteger(unknownId) || !pieces[unknownId as number]) {
    throw new TypeError(
      `Cannot read ${file}: "unk_id" is ${
        JSON.stringify(unknownId)
      }, expected the place of one of its ${pieces.length} pieces`,
    );
  }
  return {
    pieces: pieces as [string, number][],
    unknownId: unknownId as number,
    characterMap: describedMap(normalizer, file),
    controls: [],
  };
}

/** The table of a `Precompiled` normaliser, alone or among others; null if there is none. */
function describedMap(normalizer: unknown, file: string): Uint8Array | null {
  const { normalizers = [normalizer] } = (normalizer ?? {}) as {
    normalizers?: unknown[];
  };
  for (const each of normalizers) {
    const { type, precompiled_charsmap: text } = (each ?? {}) as Record<
      string,
      unknown
    >;
    if (type !== "Precompiled" || typeof text !== "string") continue;
    try {
      return Uint8Array.fromBase64(text);
    } catch (cause) {
      throw new TypeError(
        `Cannot read ${file}: its "precompiled_charsmap" is not in base64`,
        { cause },
      );
    }
  }
  return null;
}
