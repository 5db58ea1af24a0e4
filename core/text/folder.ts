/** The files of a `tokenizer/` folder, of any year: vocabulary, scheme and special tokens. */
import { ConfigJson } from "../files/config_json.ts";
import { isFile } from "../files/is_file.ts";
import { readJson } from "../files/read_json.ts";
import {
  type NamedTokens,
  namedTokens,
  type OwnTokens,
} from "./added_tokens.ts";
import { CharacterMap } from "./character_map.ts";
import {
  type BytePairs,
  bytePairsOf,
  clipRoles,
  clipScheme,
  describedBytePairs,
} from "./clip_tokenizer.ts";
import { sentencePieces } from "./sentencepiece.ts";
import {
  describedUnigrams,
  sentinelNames,
  t5Roles,
  t5Scheme,
  type Unigrams,
  withSentinels,
} from "./t5_tokenizer.ts";

/** A tokenizer as its folder describes it. */
export interface TokenizerFolder {
  /** `tokenizer_config.json`. */
  readonly config: ConfigJson;
  /** The normaliser, pieces and model, as `tokenizer.json` describes them. */
  readonly scheme: object;
  /** The normaliser, if it is no part of the scheme; null for none. */
  readonly normalizer: CharacterMap | null;
  readonly named: NamedTokens;
  /** The tokens before and after each text. */
  readonly ends: { readonly start?: string; readonly end: string };
}

/** The content of a vocabulary's files. */
interface Vocabulary extends Pick<TokenizerFolder, "normalizer"> {
  readonly own: OwnTokens;
  /** The tokens of roles, and further special tokens, if no file gives others. */
  readonly defaults: Readonly<Record<string, unknown>>;
  /** `added_tokens` of `tokenizer.json`. */
  readonly described: readonly unknown[];
  scheme(named: NamedTokens): object;
}

/**
 * Reads a tokenizer's folder.
 *
 * @throws {Deno.errors.NotFound} If the folder holds no vocabulary, or no `tokenizer_config.json`.
 * @throws {TypeError} If a file is malformed, or asks for something that is not supported here.
 */
export async function readTokenizerFolder(
  folder: string,
): Promise<TokenizerFolder> {
  const path = `${folder}/tokenizer_config.json`;
  const config = new ConfigJson(await readJson(path), path, {
    padding_side: [undefined, "right"],
    truncation_side: [undefined, "right"],
    split_special_tokens: [undefined, false],
  });
  const vocabulary = await readVocabulary(folder, config);
  const { own, normalizer, described, defaults } = vocabulary;
  const named = namedTokens(
    {
      config,
      described,
      specialMap: await optionalJson(`${folder}/special_tokens_map.json`),
      added: await optionalJson(`${folder}/added_tokens.json`),
    },
    own,
    defaults,
  );
  const start = named.role("bos_token");
  const end = named.role("eos_token") ?? config.refuse("eos_token", "a token");
  const scheme = vocabulary.scheme(named);
  return { config, scheme, normalizer, named, ends: { start, end } };
}

const optionalJson = async (file: string): Promise<ConfigJson | null> =>
  await isFile(file) ? new ConfigJson(await readJson(file), file) : null;

async function readVocabulary(
  folder: string,
  config: ConfigJson,
): Promise<Vocabulary> {
  if (await isFile(`${folder}/tokenizer.json`)) {
    return await describedVocabulary(`${folder}/tokenizer.json`, config);
  }
  const vocab = `${folder}/vocab.json`;
  if (await isFile(vocab)) {
    const pairs = bytePairsOf(folder, {
      vocab: await readJson(vocab),
      merges: await Deno.readTextFile(`${folder}/merges.txt`),
    });
    return clipVocabulary(pairs);
  }
  const model = `${folder}/spiece.model`;
  if (await isFile(model)) {
    const pieces = sentencePieces(await Deno.readFile(model), model);
    const all = withSentinels(pieces, sentinelNames(config));
    return t5Vocabulary(all, { file: model, config });
  }
  throw new Deno.errors.NotFound(
    `Cannot load tokenizer ${folder}: found neither tokenizer.json, vocab.json nor spiece.model`,
  );
}

async function describedVocabulary(
  file: string,
  config: ConfigJson,
): Promise<Vocabulary> {
  const description = new ConfigJson(await readJson(file), file);
  const { values: model } = description.part("model");
  const { added_tokens, normalizer } = description.values;
  const described = Array.isArray(added_tokens) ? added_tokens : [];
  if (Array.isArray(model.vocab)) {
    const pieces = describedUnigrams({ model, normalizer }, file);
    return t5Vocabulary(pieces, { file, described, config });
  }
  if (model.end_of_word_suffix === "</w>") {
    return clipVocabulary(describedBytePairs(model, file), described);
  }
  throw new TypeError(
    `Cannot load tokenizer ${file}: it is of no known kind (model "${model.type}"), expected CLIP's byte pairs or T5's pieces`,
  );
}

function clipVocabulary(
  pairs: BytePairs,
  described: readonly unknown[] = [],
): Vocabulary {
  const { vocab } = pairs;
  return {
    described,
    own: {
      size: Object.keys(vocab).length,
      idOf: (token) => Object.hasOwn(vocab, token) ? vocab[token] : undefined,
    },
    normalizer: null,
    defaults: clipRoles,
    scheme: (named) => clipScheme(pairs, named.role("unk_token") ?? ""),
  };
}

function t5Vocabulary(
  pieces: Unigrams,
  { file, config, described = [] }: {
    readonly file: string;
    readonly config: ConfigJson;
    readonly described?: readonly unknown[];
  },
): Vocabulary {
  const { characterMap } = pieces;
  const ids = new Map(pieces.pieces.map(([piece], id) => [piece, id]));
  return {
    described,
    own: { size: pieces.pieces.length, idOf: (token) => ids.get(token) },
    normalizer: characterMap && new CharacterMap(characterMap, file),
    defaults: {
      ...t5Roles,
      additional_special_tokens: [
        ...pieces.controls,
        ...sentinelNames(config),
      ],
    },
    scheme: () => t5Scheme(pieces),
  };
}
