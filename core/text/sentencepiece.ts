/** SentencePiece's own files (Kudo and Richardson, 2018): T5's folders often hold `spiece.model` alone. */
import protobuf from "protobufjs";
import { t5Roles, type Unigrams } from "./t5_tokenizer.ts";

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

/** The `SentencePiece.Type` of a token that no text is split into: start, end and the like. */
const control = 3;

/**
 * Reads the pieces of a SentencePiece model.
 *
 * @param bytes The content of a `spiece.model`.
 * @param file The path of the file, for errors.
 * @throws {TypeError} If the bytes are no unigram model with an unknown token and `</s>`.
 */
export function sentencePieces(bytes: Uint8Array, file: string): Unigrams {
  const { pieces, trainer, normalizer } = decoded(bytes, file);
  if ((trainer?.modelType ?? unigram) !== unigram) {
    throw new TypeError(
      `Cannot read ${file}: its model type is ${trainer?.modelType}, expected ${unigram}, a unigram model`,
    );
  }
  const unknownId = pieces.findIndex(({ type }) => type === unknown);
  const hasEnd = pieces.some(({ piece }) => piece === t5Roles.eos_token);
  if (unknownId === -1 || !hasEnd) {
    const missing = hasEnd ? "the unknown token" : `"${t5Roles.eos_token}"`;
    throw new TypeError(
      `Cannot read ${file}: ${missing} is missing among its ${pieces.length} pieces`,
    );
  }
  const charsmap = normalizer?.precompiledCharsmap;
  return {
    pieces: pieces.map(({ piece, score }) => [piece, score]),
    unknownId,
    characterMap: charsmap?.length ? charsmap : null,
    controls: pieces.filter(({ type }) => type === control)
      .map(({ piece }) => piece),
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
