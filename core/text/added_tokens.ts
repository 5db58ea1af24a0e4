/**
 * Added tokens, outside a vocabulary's own scheme: text that equals an added
 * token becomes that token. Start, end and padding are added tokens, and so are
 * the words that textual inversion taught (Gal et al., 2022). A folder's added
 * tokens and their ids follow transformers.
 */
import type { ConfigJson } from "../files/config_json.ts";
import { isRecord } from "../files/read_json.ts";

/** An added token, as a `tokenizer.json` describes one. */
export interface AddedToken {
  readonly content: string;
  readonly id: number;
  /** Whether the token also takes the spaces before it, and those after it. */
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  /** Whether the token is found in the normalised text (for CLIP in lower case), not in the text as written. */
  readonly normalized: boolean;
  readonly special: boolean;
}

type Wanted = Omit<AddedToken, "id">;

/** The roles of tokens, in the order in which transformers adds them. */
const roles = [
  ...["bos_token", "eos_token", "unk_token", "sep_token"],
  ...["pad_token", "cls_token", "mask_token"],
] as const;

/** Keys that list further special tokens. */
const furtherKeys = ["additional_special_tokens", "extra_special_tokens"];

/** The files of a tokenizer's folder that name tokens. */
export interface TokenFiles {
  /** `tokenizer_config.json`. */
  readonly config: ConfigJson;
  /** `special_tokens_map.json`, whose values override `config`'s. */
  readonly specialMap: ConfigJson | null;
  /** `added_tokens.json`: ids by token. */
  readonly added: ConfigJson | null;
  /** `added_tokens` of `tokenizer.json`. */
  readonly described: readonly unknown[];
}

/** A tokenizer's added tokens, and the roles of tokens. */
export interface NamedTokens {
  readonly added: readonly AddedToken[];
  /** The content of the token with a role, such as `pad_token`; undefined if no token has it. */
  role(name: (typeof roles)[number]): string | undefined;
}

/** The part of a vocabulary that added tokens need. */
export interface OwnTokens {
  /** The number of the vocabulary's own tokens. */
  readonly size: number;
  idOf(token: string): number | undefined;
}

/**
 * Every added token of a folder. A token that the vocabulary has keeps its id
 * there; the others follow the vocabulary, one after another.
 *
 * @param defaults The tokens of roles that no file gives; further special tokens under `additional_special_tokens`.
 * @throws {TypeError} If a file describes a token in no known form.
 */
export function namedTokens(
  files: TokenFiles,
  own: OwnTokens,
  defaults: Readonly<Record<string, unknown>>,
): NamedTokens {
  const { config } = files;
  const isWhole = config.has("added_tokens_decoder"); // newer files say all in one place
  const specials: Readonly<Record<string, unknown>> = {
    ...defaults,
    ...config.values,
    ...isWhole ? {} : files.specialMap?.values,
  };
  const wanted = isWhole
    ? describedById(config.part("added_tokens_decoder"))
    : listedTokens(files, specials);
  const named = new Map<string, Wanted>();
  for (const role of roles) {
    const value = specials[role] ?? null;
    if (value === null) continue;
    const token = wantedToken(value, config.file);
    named.set(role, wanted.find((w) => w.content === token.content) ?? token);
  }
  const sources = [defaults, config.values, files.specialMap?.values ?? {}];
  const further = sources.flatMap((source) =>
    furtherKeys.flatMap((key) => Object.values(source[key] ?? []))
  ).map((value) => wantedToken(value, config.file));
  return {
    added: withIds([...wanted, ...named.values(), ...further], own),
    role: (name) => named.get(name)?.content,
  };
}

/** Gives ids to tokens; of tokens with the same content, the last one's flags count. */
function withIds(wanted: readonly Wanted[], own: OwnTokens): AddedToken[] {
  const tokens = new Map<string, AddedToken>();
  let next = own.size;
  for (const token of wanted) {
    const { content } = token;
    if (content === "") continue;
    const id = tokens.get(content)?.id ?? own.idOf(content) ?? next++;
    tokens.set(content, { ...token, id });
  }
  return [...tokens.values()];
}

/** Reads `added_tokens_decoder`: descriptions by id. */
const describedById = ({ values, file }: ConfigJson): Wanted[] =>
  Object.entries(values)
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, value]) => describedToken(value, file));

/** The tokens of `added_tokens.json` and `tokenizer.json`, in the order of their ids. */
function listedTokens(
  { added, described, config }: TokenFiles,
  specials: Readonly<Record<string, unknown>>,
): Wanted[] {
  const byId = new Map<number, Wanted>();
  const special = new Set(
    [...roles.map((role) => specials[role]), specials.extra_special_tokens]
      .flat()
      .map((value) => isRecord(value) ? value.content : value),
  );
  for (const [content, id] of Object.entries(added?.values ?? {})) {
    if (!Number.isSafeInteger(id)) added!.refuse(content, "a token's id");
    const isSpecial = special.has(content);
    byId.set(id as number, {
      ...plain(content),
      special: isSpecial,
      normalized: !isSpecial,
    });
  }
  for (const value of described) {
    const id = isRecord(value) ? value.id as number : NaN;
    byId.set(id, describedToken(value, config.file));
  }
  return [...byId].sort(([a], [b]) => a - b).map(([, token]) => token);
}

/** A special token, which is found in the text as written. */
const plain = (content: string): Wanted => ({
  content,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
});

/** A token with a role, from its content alone or a description; special in either case. */
const wantedToken = (value: unknown, file: string): Wanted =>
  typeof value === "string"
    ? plain(value)
    : { ...describedToken(value, file), special: true };

function describedToken(value: unknown, file: string): Wanted {
  const token = isRecord(value) ? value : {};
  const flag = (key: string, otherwise: boolean): boolean => {
    const found = token[key] ?? otherwise;
    return typeof found === "boolean" ? found : refused(value, file);
  };
  const { content } = token;
  if (typeof content !== "string" || flag("single_word", false)) {
    return refused(value, file);
  }
  const special = flag("special", false);
  return {
    content,
    special,
    lstrip: flag("lstrip", false),
    rstrip: flag("rstrip", false),
    normalized: flag("normalized", !special),
  };
}

function refused(value: unknown, file: string): never {
  throw new TypeError(
    `Cannot read tokenizer of ${file}: found the token ${
      JSON.stringify(value)
    }, expected a text, or its "content" with flags other than "single_word"`,
  );
}
