/** Strict reading of JSON configurations: every error names file, key, found and expected. */
import { isRecord } from "./read_json.ts";

/** Limits of configs, far above any published model: a damaged file must not take the machine's memory. */
export const most = {
  /** Widths, channels, entries of a vocabulary. */
  width: 2 ** 20,
  /** Transformer blocks one after another. */
  layers: 512,
  /** Resolutions of a UNet or autoencoder. */
  levels: 8,
  /** Residual blocks of a level, or transformer blocks after one residual block. */
  layersOfLevel: 32,
  /** Height and width of latents or pictures. */
  side: 4096,
  /** Tokens of a text. */
  tokens: 4096,
};

/** The values that each key may have; `undefined` among them lets the key be absent. */
export type AllowedValues = Readonly<Record<string, readonly unknown[]>>;

/** Characters of a found value that an error shows. */
const shownLength = 80;

const isPositive = (value: unknown, atMost: number): value is number =>
  Number.isSafeInteger(value) && value as number > 0 &&
  value as number <= atMost;

/** Whether a flag is Python's None, or a list of flags of which none is set. */
const isOff = (value: unknown): boolean =>
  value === null ||
  Array.isArray(value) && value.length > 0 &&
    value.every((own) => own === false);

/**
 * A parsed JSON object and the file that it came from. Every method that reads a
 * key throws a `TypeError` if the value is not of the method's kind, and remembers
 * the key: {@linkcode ConfigJson.finish} then refuses the keys that were not read.
 */
export class ConfigJson {
  readonly file: string;
  /** The whole object, for callers that list its keys; {@linkcode ConfigJson.value} reads one key. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly #read = new Set<string>();

  /**
   * @param allowed Allowed values by key; where false is one and null is not, null and a list of false are read as false.
   * @param defaults Values of absent keys.
   * @throws {TypeError} If `json` is no object, or a key does not hold one of its allowed values.
   */
  constructor(
    json: unknown,
    file: string,
    allowed: AllowedValues = {},
    defaults: Readonly<Record<string, unknown>> = {},
  ) {
    if (!isRecord(json)) {
      const found = JSON.stringify(json);
      throw new TypeError(
        `Cannot read config ${file}: found ${found}, expected an object`,
      );
    }
    this.file = file;
    this.values = { ...defaults, ...json };
    for (const [key, values] of Object.entries(allowed)) {
      const isFlag = values.includes(false) && !values.includes(null);
      if (isFlag && isOff(this.values[key])) {
        this.values = { ...this.values, [key]: false };
      }
      this.requireOneOf(key, values);
    }
  }

  /** The value of `key`, undefined if it is absent. */
  value(key: string): unknown {
    this.#read.add(key);
    return this.values[key];
  }

  /**
   * Ends the reading of a strict configuration: a key that is silently ignored would
   * lead to wrong pictures. One that is null asks for nothing.
   *
   * @param harmless Lists of keys that need not be read, since they do not matter here.
   * @throws {TypeError} If a key was not read and is not harmless.
   */
  finish(...harmless: readonly (readonly string[])[]): void {
    const known = new Set(harmless.flat()).union(this.#read);
    const other = Object.keys(this.values)
      .find((key) => !known.has(key) && this.values[key] !== null);
    if (other === undefined) return;
    this.refuse(other, "no key of that name: its meaning is not known here");
  }

  /** The object at `key`; errors name its place, and it needs a {@linkcode ConfigJson.finish} of its own. */
  part(key: string): ConfigJson {
    return new ConfigJson(this.value(key) ?? null, `${this.file}, ${key}`);
  }

  /** Whether `key` has a value; null, which Python writes for None, is not one. */
  has(key: string): boolean {
    return (this.value(key) ?? null) !== null;
  }

  /** Throws an error that says that the value of `key` is not `expected`. */
  refuse(
    key: string,
    expected: string,
    Kind: typeof TypeError | typeof RangeError = TypeError,
  ): never {
    const text = JSON.stringify(this.values[key]) ?? "nothing";
    const found = text.length > shownLength
      ? `${text.slice(0, shownLength)}…`
      : text;
    throw new Kind(
      `Cannot read config ${this.file}: key "${key}" is ${found}, expected ${expected}`,
    );
  }

  /** Requires `key` to hold one of `allowed`; `undefined` among them allows it to be absent. */
  requireOneOf(key: string, allowed: readonly unknown[]): void {
    const found = JSON.stringify(this.value(key));
    if (allowed.some((value) => JSON.stringify(value) === found)) return;
    const named = allowed.map((v) =>
      v === undefined ? "nothing" : JSON.stringify(v)
    );
    this.refuse(key, named.join(" or "));
  }

  /** A required positive integer of at most `atMost`, a limit of {@linkcode most}. */
  positiveInteger(key: string, atMost: number = most.width): number {
    const value = this.value(key);
    return isPositive(value, atMost)
      ? value
      : this.refuse(key, `a positive integer of at most ${atMost}`);
  }

  /** A required number. */
  anyNumber(key: string): number {
    const value = this.value(key);
    return typeof value === "number" && Number.isFinite(value)
      ? value
      : this.refuse(key, "a number");
  }

  /** A required positive number. */
  positiveNumber(key: string): number {
    const value = this.value(key);
    return typeof value === "number" && Number.isFinite(value) && value > 0
      ? value
      : this.refuse(key, "a positive number");
  }

  /** Positive integers, one for each of `count` levels; a single one stands for all. */
  positiveIntegers(
    key: string,
    count: number,
    atMost: number = most.width,
  ): readonly number[] {
    const value = this.value(key);
    const list: unknown[] = Array.isArray(value)
      ? value
      : Array(count).fill(value);
    const fits = (n: unknown): n is number => isPositive(n, atMost);
    return list.length === count && list.every(fits) ? list : this.refuse(
      key,
      `a positive integer of at most ${atMost}, or a list of ${count}`,
    );
  }

  /** A required list with an entry for each level, of at most `most.levels` entries. */
  levelList(key: string): readonly unknown[] {
    const value = this.value(key);
    return Array.isArray(value) && isPositive(value.length, most.levels)
      ? value
      : this.refuse(key, `a list of 1 to ${most.levels}`);
  }
}
