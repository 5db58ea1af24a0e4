/**
 * SentencePiece's unigram models (Kudo, 2018) as the description that a
 * tokenizer library reads: T5's folders often hold `spiece.model` alone.
 */
import protobuf from "protobufjs";

/** The part of `sentencepiece_model.proto` that is read, with its field numbers. */
const modelType = protobuf.Root.fromJSON({
  nested: {
    ModelProto: {
      fields: {
        pieces: { id: 1, type: "SentencePiece", rule: "repeated" },
        trainer: { id: 2, type: "TrainerSpec" },
        normalizer: { id: 3, type: "NormalizerSpec" },
      },
    },
    SentencePiece: {
      fields: {
        piece: { id: 1, type: "string" },
        score: { id: 2, type: "float" },
        type: { id: 3, type: "int32" },
      },
    },
    TrainerSpec: { fields: { modelType: { id: 3, type: "int32" } } },
    NormalizerSpec: {
      fields: { precompiledCharsmap: { id: 2, type: "bytes" } },
    },
  },
}).lookupType("ModelProto");

interface Model {
  readonly pieces: readonly {
    readonly piece: string;
    readonly score: number;
    readonly type?: number;
  }[];
  readonly trainer?: { readonly modelType?: number };
  readonly normalizer?: { readonly precompiledCharsmap?: Uint8Array };
}

/** `TrainerSpec.ModelType` and `SentencePiece.Type`. */
const unigram = 1;
const unknown = 2;

const endToken = "</s>";

/**
 * The `tokenizer.json` of a SentencePiece model with T5's end token after each text.
 *
 * @param bytes Of a `spiece.model`.
 * @param file Where they came from, for errors.
 * @throws {TypeError} If they are no unigram model with an unknown token and `</s>`.
 */
export function sentencePieceJson(bytes: Uint8Array, file: string): object {
  const { pieces, trainer, normalizer } = decoded(bytes, file);
  if ((trainer?.modelType ?? unigram) !== unigram) {
    throw new TypeError(
      `Cannot read ${file}: its model type is ${trainer?.modelType}, expected ${unigram}, a unigram model`,
    );
  }
  const unknownId = pieces.findIndex(({ type }) => type === unknown);
  const endId = pieces.findIndex(({ piece }) => piece === endToken);
  if (unknownId === -1 || endId === -1) {
    const missing = endId === -1 ? `"${endToken}"` : "the unknown token";
    throw new TypeError(
      `Cannot read ${file}: ${missing} is missing among its ${pieces.length} pieces`,
    );
  }
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: normalizerJson(normalizer?.precompiledCharsmap),
    pre_tokenizer: {
      type: "Metaspace",
      replacement: "▁",
      prepend_scheme: "always",
    },
    post_processor: endJson(endId),
    decoder: null,
    model: {
      type: "Unigram",
      unk_id: unknownId,
      vocab: pieces.map(({ piece, score }) => [piece, score]),
    },
  };
}

function decoded(bytes: Uint8Array, file: string): Model {
  try {
    return modelType.decode(bytes) as unknown as Model;
  } catch (cause) {
    throw new TypeError(
      `Cannot read ${file}: it is no SentencePiece model (${
        (cause as Error).message
      })`,
      { cause },
    );
  }
}

/** Unicode's compatibility forms by the model's own table; runs of spaces are one, and none stands at either end. */
function normalizerJson(charsmap?: Uint8Array): object {
  const own = charsmap?.length
    ? [{ type: "Precompiled", precompiled_charsmap: charsmap.toBase64() }]
    : [];
  return {
    type: "Sequence",
    normalizers: [
      ...own,
      { type: "Strip", strip_left: true, strip_right: true },
      { type: "Replace", pattern: { Regex: " {2,}" }, content: " " },
    ],
  };
}

function endJson(id: number): object {
  const text = { Sequence: { id: "A", type_id: 0 } };
  const end = { SpecialToken: { id: endToken, type_id: 0 } };
  return {
    type: "TemplateProcessing",
    single: [text, end],
    pair: [text, end],
    special_tokens: {
      [endToken]: { id: endToken, ids: [id], tokens: [endToken] },
    },
  };
}
