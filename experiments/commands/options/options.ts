/** A command line as one command declares it: flags, options with values, and words without an option. */
import { parseArgs } from "@std/cli/parse-args";

/** What a command takes besides `--help` and `-h`. */
export interface OptionForm {
  /** How its errors begin: "Cannot inspect". */
  readonly refusal: string;
  readonly flags?: readonly string[];
  /** Options with a value, and their defaults. */
  readonly values?: Readonly<Record<string, string | undefined>>;
  /** Those of `values` that may stand more than once. */
  readonly repeated?: readonly string[];
  /** Whether words without an option are taken; refused by default. */
  readonly words?: boolean;
}

/** What was typed; a value that is not of its kind is refused by its option's name. */
export class Options {
  readonly #refusal: string;
  readonly #parsed: Readonly<Record<string, unknown>>;

  /** @throws {TypeError} If an option is unknown, or a word is not taken. */
  constructor(
    args: readonly string[],
    { refusal, flags = [], values = {}, repeated = [], words }: OptionForm,
  ) {
    this.#refusal = refusal;
    const given = Object.entries(values)
      .filter(([, value]) => value !== undefined);
    this.#parsed = parseArgs([...args], {
      boolean: ["help", ...flags],
      string: [...Object.keys(values), "_"],
      collect: [...repeated],
      default: Object.fromEntries(given),
      alias: { help: "h" },
      unknown(typed: string, option?: string) {
        if (!option && words) return true;
        const kind = option ? "option" : "argument";
        throw new TypeError(
          `${refusal}: ${kind} ${typed} is unknown; see --help`,
        );
      },
    });
  }

  /** Whether a flag was typed. */
  has(flag: string): boolean {
    return this.#parsed[flag] === true;
  }

  /** Words without an option. */
  get words(): readonly string[] {
    return this.#parsed._ as string[];
  }

  /** The only word. @throws {TypeError} If there are none or several; the message calls them so. */
  oneWord(what: string): string {
    const [word, ...others] = this.words;
    if (word !== undefined && others.length === 0) return word;
    throw new TypeError(
      `${this.#refusal}: found ${this.words.length} ${what}, expected one; see --help`,
    );
  }

  /** An option's value, or its default. */
  text(name: string): string | undefined {
    return this.#parsed[name] as string | undefined;
  }

  /** An option's value, which must not be empty. @throws {TypeError} If it is. */
  path(name: string): string | undefined {
    const text = this.text(name);
    if (text !== "") return text;
    const dashes = name.length === 1 ? "-" : "--";
    throw new TypeError(
      `${this.#refusal}: ${dashes}${name} is empty, expected a file or folder`,
    );
  }

  /** The values of a repeated option. */
  texts(name: string): readonly string[] {
    return this.#parsed[name] as string[];
  }

  /** @throws {RangeError} If it is no whole number, or less than `least`. */
  whole(name: string, least: number): number {
    const value = this.#number(name);
    if (Number.isSafeInteger(value) && value >= least) return value;
    return this.refuse(name, `a whole number from ${least}`);
  }

  /** A whole number, or undefined where the option was not typed. @throws As {@linkcode whole}. */
  wholeOrNone(name: string, least: number): number | undefined {
    return this.text(name) === undefined ? undefined : this.whole(name, least);
  }

  /** @throws {RangeError} If it is no number. */
  number(name: string): number {
    const value = this.#number(name);
    return Number.isFinite(value) ? value : this.refuse(name, "a number");
  }

  /** @throws {RangeError} If it is none of those that are known. */
  choice<T extends string>(name: string, known: readonly T[]): T {
    return known.find((each) => each === this.text(name)) ??
      this.refuse(name, `one of ${known.join(", ")}`);
  }

  /** One of those that are known, or undefined where the option was not typed. @throws As {@linkcode choice}. */
  choiceOrNone<T extends string>(
    name: string,
    known: readonly T[],
  ): T | undefined {
    return this.text(name) === undefined ? undefined : this.choice(name, known);
  }

  /** @throws {RangeError} Always: the option's value is not `expected`. */
  refuse(name: string, expected: string): never {
    throw new RangeError(
      `${this.#refusal}: --${name} is "${
        this.text(name)
      }", expected ${expected}`,
    );
  }

  #number(name: string): number {
    return Number(this.text(name) || NaN);
  }
}
