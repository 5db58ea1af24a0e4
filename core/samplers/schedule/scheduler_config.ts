/**
 * A diffusers `scheduler_config.json`: typed access to its keys. Each scheduler
 * reads those of its class, with that class's defaults, into a config of its own.
 */
import { ConfigJson } from "../../files/config_json.ts";

/** How Python's `json` and its users write numbers that JSON lacks: bare, or as strings. */
const nonFinite = new Map<unknown, number>([
  ["Infinity", Infinity],
  ["-Infinity", -Infinity],
  ["NaN", NaN],
]);

/** The most steps that a file may ask for: a damaged one must not take the memory of the machine. */
const mostSteps = 100_000;

/**
 * A scheduler's config as its file has it. Every reader returns undefined where
 * the key is missing and throws where the value is not as it says: a
 * `RangeError` of numbers, else a `TypeError`. Null is no default: diffusers
 * takes it for Python's None.
 */
export class SchedulerConfig extends ConfigJson {
  /** The scheduler that the model came with. */
  get className(): string | undefined {
    return this.string("_class_name");
  }

  /** Null is false. */
  boolean(key: string): boolean | undefined {
    const value = this.value(key) === null ? false : this.value(key);
    if (value === undefined || typeof value === "boolean") return value;
    return this.refuse(key, "true or false");
  }

  string(key: string): string | undefined {
    const isString = (value: unknown) => typeof value === "string";
    return this.#optional(key, isString, "a string");
  }

  oneOf<T extends string>(key: string, choices: readonly T[]): T | undefined {
    const isChoice = (value: unknown): value is T =>
      choices.some((each) => each === value);
    return this.#optional(key, isChoice, `one of ${choices.join(", ")}`);
  }

  /** Any number but NaN. */
  number(
    key: string,
    fits = (value: number) => !Number.isNaN(value),
    expected = "a number",
  ): number | undefined {
    const value = nonFinite.get(this.value(key)) ?? this.value(key);
    if (value === undefined) return undefined;
    if (typeof value !== "number") return this.refuse(key, "a number");
    return fits(value) ? value : this.refuse(key, expected, RangeError);
  }

  /** A count of steps, or one as small. */
  integer(key: string, least: number): number | undefined {
    const fits = (value: number) =>
      Number.isSafeInteger(value) && value >= least && value <= mostSteps;
    const expected = `an integer of at least ${least}, at most ${mostSteps}`;
    return this.number(key, fits, expected);
  }

  /** Null is none. */
  optionalNumber(key: string): number | undefined {
    return this.has(key) ? this.number(key) : undefined;
  }

  /** Null is none. */
  optionalInteger(key: string, least: number): number | undefined {
    return this.has(key) ? this.integer(key, least) : undefined;
  }

  /** A positive number; null is none. */
  optionalPositive(key: string): number | undefined {
    return this.has(key) ? this.positive(key) : undefined;
  }

  positive(key: string): number | undefined {
    const fits = (value: number) => value > 0 && value < Infinity;
    return this.number(key, fits, "a positive number");
  }

  fraction(key: string): number | undefined {
    const fits = (value: number) => value > 0 && value < 1;
    return this.number(key, fits, "between 0 and 1");
  }

  /** A list of numbers that each are as they should. */
  list(
    key: string,
    fits: (value: number) => boolean,
    expected: string,
  ): readonly number[] | undefined {
    const isList = (value: unknown): value is number[] =>
      Array.isArray(value) &&
      value.every((each) => typeof each === "number" && fits(each));
    return this.#optional(key, isList, `a list of numbers, each ${expected}`);
  }

  #optional<T>(
    key: string,
    fits: (value: unknown) => value is T,
    expected: string,
  ): T | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    return fits(value) ? value : this.refuse(key, expected);
  }
}
