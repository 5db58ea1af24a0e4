/**
 * A diffusers `scheduler_config.json`, with typed access. Each scheduler reads
 * the keys of its class, with the class's defaults, into its own config.
 */
import { ConfigJson } from "../../files/config_json.ts";

/** Numbers that JSON lacks, as Python's `json` and its users write them: bare, or as strings. */
const nonFinite = new Map<unknown, number>([
  ["Infinity", Infinity],
  ["-Infinity", -Infinity],
  ["NaN", NaN],
]);

/** The most steps that a file may ask for, or a sampler without training steps make, so that a wrong number does not exhaust the memory. */
export const mostSteps = 100_000;

/**
 * A scheduler's config, as its file has it. Every reader returns undefined if
 * the key is missing, and throws if the value does not fit: a `RangeError` for
 * numbers, else a `TypeError`. A null is not the default: diffusers takes it as
 * Python's None.
 */
export class SchedulerConfig extends ConfigJson {
  /** The class of the scheduler that the model came with. */
  get className(): string | undefined {
    return this.string("_class_name");
  }

  /** A boolean; null counts as false. */
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

  /** A number, of any value but NaN by default. */
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

  /** A count of steps, or another integer up to the most steps. */
  integer(key: string, least: number): number | undefined {
    const fits = (value: number) =>
      Number.isSafeInteger(value) && value >= least && value <= mostSteps;
    const expected = `an integer of at least ${least}, at most ${mostSteps}`;
    return this.number(key, fits, expected);
  }

  /** A number; null counts as missing. */
  optionalNumber(key: string): number | undefined {
    return this.has(key) ? this.number(key) : undefined;
  }

  /** An integer; null counts as missing. */
  optionalInteger(key: string, least: number): number | undefined {
    return this.has(key) ? this.integer(key, least) : undefined;
  }

  /** A positive number; null counts as missing. */
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

  /** A list of numbers that all fit. */
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
