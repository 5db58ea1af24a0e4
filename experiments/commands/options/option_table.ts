/**
 * A command's options as one table. Each row has the reader of its value and the
 * text that `--help` prints about it.
 */
import { parseArgs } from "@std/cli/parse-args";

/** One option. */
export interface OptionRow<Value = unknown> {
  /** The name of the option's value in the help, such as "<n>"; a flag has none. */
  readonly value?: string;
  readonly help: string;
  /** The text to read if the option was not typed. */
  readonly default?: string;
  /** Whether the option may be typed more than once; its value is the list of typed texts. */
  readonly repeated?: true;
  /** A line above the option in the help, which begins a group. */
  readonly heading?: string;
  /** Reads the typed text or the default: its value, or an {@linkcode Expected} if it is of another kind. */
  readonly read: (text: string) => Value | Expected;
}

/** The refusal of a text; `what` names the expected kind: "a whole number from 1". */
export class Expected {
  constructor(readonly what: string) {}
}

/** Options by their names, without dashes. */
export type OptionTable = Readonly<Record<string, OptionRow>>;

/** An option's name in camel case. */
type Camel<Name> = Name extends `${infer First}-${infer Rest}`
  ? `${First}${Capitalize<Camel<Rest>>}`
  : Name & string;

/** Values by names in camel case (`budgetMs` for budget-ms): typed, default or undefined; booleans of flags. */
export type OptionValues<Table extends OptionTable> = {
  readonly [Name in keyof Table as Camel<Name>]:
    | Exclude<ReturnType<Table[Name]["read"]>, Expected>
    | (Table[Name] extends { readonly default: string } ? never
      : Table[Name] extends { readonly value: string } ? undefined
      : never);
};

/** A command: its help, its options, and whether words without an option are taken. */
export interface CommandForm<Table extends OptionTable = OptionTable> {
  /** The beginning of the command's errors: "Cannot inspect". */
  readonly refusal: string;
  /** The first sentence of the help. */
  readonly about: string;
  /** The usage lines of the help. */
  readonly usage: readonly string[];
  /** Words without an option, such as "<folder>", and their help; none are taken by default. */
  readonly words?: Readonly<Record<string, string>>;
  readonly options: Table;
  /** Paragraphs below the options. */
  readonly notes?: string;
}

/** Makes an option of one kind, from the value's name in the help, such as "<n>", and the help text. */
interface RowMaker<Value> {
  (
    value: string,
    help: string,
    settings: { readonly default: string; readonly heading?: string },
  ): OptionRow<Value> & { readonly value: string; readonly default: string };
  (
    value: string,
    help: string,
    settings?: { readonly heading?: string },
  ): OptionRow<Value> & { readonly value: string };
}

/** Makes the {@linkcode RowMaker} of options whose values `read` reads. */
export const kind = <Value>(read: OptionRow<Value>["read"]) =>
  ((value, help, settings) => ({
    value,
    help,
    read,
    ...settings,
  })) as RowMaker<Value>;

/** An option without a value: true if it is typed. */
export const flag = (help: string): OptionRow<boolean> => ({
  help,
  read: () => true,
});

/** Any text, also an empty one. */
export const text = kind<string>((typed) => typed);

/** Texts of an option that may be typed more than once. */
export const texts = (value: string, help: string) => ({
  value,
  help,
  default: "", // never read: without typed texts the value is an empty list
  repeated: true as const,
  read: (typed: string): readonly string[] => [typed],
});

/** A file, a folder or a name. */
export const path = kind<string>((typed) =>
  typed === "" ? new Expected("a file, a folder or a name") : typed
);

/** A finite number. */
export const number = kind<number>((typed) =>
  isNumber(typed) ? Number(typed) : new Expected("a number")
);

const between = (most: number, what: string) =>
  kind<number>((typed) =>
    isNumber(typed) && Number(typed) > 0 && Number(typed) < most
      ? Number(typed)
      : new Expected(what)
  );

/** A finite number above 0. */
export const positive = between(Infinity, "a positive number");

/** A number between 0 and 1. */
export const fraction = between(1, "a number between 0 and 1");

/** A whole number from `least` to `most`. */
export const whole = (least: number, most = Infinity) =>
  kind<number>((typed) =>
    isNumber(typed) && Number.isSafeInteger(Number(typed)) &&
      Number(typed) >= least && Number(typed) <= most
      ? Number(typed)
      : new Expected(
        `a whole number from ${least}${most < Infinity ? ` to ${most}` : ""}`,
      )
  );

/** Values of one kind with commas between them. */
export const list = <Value>(item: RowMaker<Value>) =>
  kind<readonly Value[]>((typed) => {
    const { read } = item("", "");
    const values = typed.split(",").map((each) => read(each.trim()));
    const odd = values.find((each) => each instanceof Expected);
    return odd
      ? new Expected(`${odd.what}, or several with commas between them`)
      : values as Value[];
  });

/** One of the known names. */
export const oneOf = <Name extends string>(known: readonly Name[]) =>
  kind<Name>((typed) =>
    known.find((each) => each === typed) ??
      new Expected(`one of ${known.join(", ")}`)
  );

const isNumber = (typed: string) =>
  typed.trim() !== "" && Number.isFinite(Number(typed));

/**
 * Reads a command line by its command's table.
 *
 * @returns The options' values and the words without an option, or "help".
 * @throws {TypeError} If an option is unknown, or there are words and the command takes none.
 * @throws {RangeError} If a value is not of its option's kind, a flag has one, or an option has two.
 */
export function readOptions<Table extends OptionTable>(
  args: readonly string[],
  { refusal, options, words }: CommandForm<Table>,
): { values: OptionValues<Table>; words: readonly string[] } | "help" {
  const named = Object.entries<OptionRow>(options);
  const joined = withValues(args, options);
  checkTyped(joined, { refusal, options });
  const typed = parseArgs(joined, {
    boolean: ["help", ...named.filter(([, row]) => !row.value).map(first)],
    string: [...named.filter(([, row]) => row.value).map(first), "_"],
    collect: named.filter(([, row]) => row.repeated).map(first),
    alias: { help: "h" },
    unknown(typed: string, option?: string) {
      if (!option && words) return true;
      const what = option ? "option" : "argument";
      throw new TypeError(
        `${refusal}: ${what} ${typed} is unknown; see --help`,
      );
    },
  }) as Record<string, unknown>;
  if (typed.help) return "help";
  const values = named.map(([name, row]) => {
    const key = name.replaceAll(/-(.)/g, (_, first) => first.toUpperCase());
    if (!row.value || row.repeated) return [key, typed[name]];
    const text = typed[name] as string | undefined ?? row.default;
    const value = text === undefined ? undefined : row.read(text);
    if (!(value instanceof Expected)) return [key, value];
    throw new RangeError(
      `${refusal}: ${dashed(name)} is "${text}", expected ${value.what}`,
    );
  });
  return { values: Object.fromEntries(values), words: typed._ as string[] };
}

/** Joins each option and its value by "=", so that the value may be empty or begin with a dash. */
function withValues(args: readonly string[], options: OptionTable): string[] {
  const [arg, value, ...others] = args;
  if (arg === undefined || arg === "--") return [...args];
  const takes = options[arg.replace(/^--?/, "")]?.value && arg.startsWith("-");
  return takes && value !== undefined
    ? [`${arg}=${value}`, ...withValues(others, options)]
    : [arg, ...withValues(args.slice(1), options)];
}

/** Checks that flags have no value, and options that take one have one each, which parseArgs lets pass. */
function checkTyped(
  joined: readonly string[],
  { refusal, options }: Pick<CommandForm, "refusal" | "options">,
): void {
  const valued = new Set<string>();
  for (const arg of joined) {
    if (arg === "--") return;
    const [, name, value] = /^--?([^=]+)=(.*)$/s.exec(arg) ?? [];
    if (name === undefined || !Object.hasOwn(options, name)) continue;
    const row = options[name];
    const wrong = !row.value
      ? `is "${value}", expected no value: it is on where it stands`
      : valued.has(name) && !row.repeated
      ? "is given twice, expected once"
      : undefined;
    if (wrong) throw new RangeError(`${refusal}: ${dashed(name)} ${wrong}`);
    valued.add(name);
  }
}

/** The only word. @throws {TypeError} If there are none or several; the message calls them `what`. */
export function oneWord(
  words: readonly string[],
  { refusal }: Pick<CommandForm, "refusal">,
  what: string,
): string {
  if (words.length === 1) return words[0];
  throw new TypeError(
    `${refusal}: found ${words.length} ${what}, expected one; see --help`,
  );
}

/** The value of an option that a command needs. @throws {RangeError} If it is undefined; the message calls it `what`. */
export function required<Value>(
  value: Value | undefined,
  { refusal }: Pick<CommandForm, "refusal">,
  what: string,
): Value {
  if (value !== undefined) return value;
  throw new RangeError(`${refusal}: ${what} is missing; see --help`);
}

const first = ([name]: readonly [string, unknown]) => name;

/** The option as typed, `--budget-ms`, from its name or from its value's name in camel case. */
export const dashed = (name: string): string =>
  (name.length === 1 ? "-" : "--") +
  name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** The width of a command's help, in columns. */
const width = 100;

/** The text that `--help` prints. */
export function helpOf(
  { about, usage, words = {}, options, notes }: CommandForm,
): string {
  const rows = [
    ...Object.entries(words).map(([term, help]) => ({ term, help })),
    ...Object.entries(options).map(([name, row]) => ({
      heading: row.heading,
      term: row.value ? `${dashed(name)} ${row.value}` : dashed(name),
      help: row.default ? `${row.help} (default ${row.default})` : row.help,
    })),
    { term: "--help", help: "Print this" },
  ];
  const left = 4 + Math.max(...rows.map(({ term }) => term.length));
  const lines = rows.flatMap(({ term, help, ...row }) => [
    ..."heading" in row && row.heading ? ["", row.heading] : [],
    ...folded(help, width - left).map((line, i) =>
      `  ${i ? "" : term}`.padEnd(left) + line
    ),
  ]);
  return [
    ...folded(about, width),
    "",
    ...usage.map((line, i) => `${i ? "      " : "Usage:"} ${line}`),
    ...lines[0] === "" ? [] : [""],
    ...lines,
    ...notes ? ["", ...folded(notes, width)] : [],
  ].join("\n");
}

/** Folds a text into lines of at most `columns` columns, unless a word is longer; its own line breaks stay. */
const folded = (text: string, columns: number): string[] =>
  text.split("\n").flatMap((line) => {
    const lines: string[] = [""];
    for (const word of line.split(" ")) {
      const last = lines.at(-1)!;
      const longer = last === "" ? word : `${last} ${word}`;
      if (longer.length <= columns) lines[lines.length - 1] = longer;
      else lines.push(word);
    }
    return lines;
  });
