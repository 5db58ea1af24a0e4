/** Strict reading of a model's `config.json`: every error names the file, the key, what was found and what was expected. */

/** A parsed JSON object and the file it came from. */
export interface ConfigJson {
  readonly file: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/** @throws {TypeError} If `json` is no object. */
export function configJson(json: unknown, file: string): ConfigJson {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new TypeError(
      `Cannot read config ${file}: found ${
        JSON.stringify(json)
      }, expected an object`,
    );
  }
  return { file, values: json as Record<string, unknown> };
}

/** @throws {TypeError} Always: the value of `key` is not `expected`. */
export function refuse(
  { file, values }: ConfigJson,
  key: string,
  expected: string,
): never {
  const found = key in values ? JSON.stringify(values[key]) : "nothing";
  throw new TypeError(
    `Cannot read config ${file}: key "${key}" is ${found}, expected ${expected}`,
  );
}

/** The most that a config may ask for, far above any published model: a damaged file must not take the memory of the machine. */
export const most = {
  /** Widths, channels, entries of a vocabulary. */
  width: 2 ** 20,
  /** Transformer blocks one after another. */
  layers: 512,
  /** Resolutions of a UNet or autoencoder. */
  levels: 8,
  /** Residual blocks of a level, or transformer blocks beside one. */
  layersOfLevel: 32,
  /** Height and width of latents or pictures. */
  side: 4096,
  /** Tokens of a text. */
  tokens: 4096,
};

const isPositive = (value: unknown, atMost: number): value is number =>
  Number.isSafeInteger(value) && value as number > 0 &&
  value as number <= atMost;

/** A required positive integer, one of {@linkcode most} at most. @throws {TypeError} If it is missing or anything else. */
export function positiveInteger(
  config: ConfigJson,
  key: string,
  atMost: number = most.width,
): number {
  const value = config.values[key];
  return isPositive(value, atMost)
    ? value
    : refuse(config, key, `a positive integer of at most ${atMost}`);
}

/** A required positive number. @throws {TypeError} If it is missing or anything else. */
export function positiveNumber(config: ConfigJson, key: string): number {
  const value = config.values[key];
  return typeof value === "number" && Number.isFinite(value) && value > 0
    ? value
    : refuse(config, key, "a positive number");
}

/** Positive integers, one for each of `count` levels; a single one stands for all. @throws {TypeError} If `key` holds anything else. */
export function positiveIntegers(
  config: ConfigJson,
  key: string,
  count: number,
  atMost: number = most.width,
): readonly number[] {
  const value = config.values[key];
  const list: unknown[] = Array.isArray(value)
    ? value
    : Array(count).fill(value);
  const fits = (n: unknown): n is number => isPositive(n, atMost);
  return list.length === count && list.every(fits) ? list : refuse(
    config,
    key,
    `a positive integer of at most ${atMost}, or a list of ${count}`,
  );
}

/** A required list, an entry for each level. @throws {TypeError} If `key` holds none, or one longer than {@linkcode most}. */
export function levelList(
  config: ConfigJson,
  key: string,
): readonly unknown[] {
  const value = config.values[key];
  return Array.isArray(value) && isPositive(value.length, most.levels)
    ? value
    : refuse(config, key, `a list of 1 to ${most.levels}`);
}

/** Requires `key` to hold one of `allowed`; `undefined` among them allows it to be absent. @throws {TypeError} If it does not. */
export function requireOneOf(
  config: ConfigJson,
  key: string,
  allowed: readonly unknown[],
): void {
  if (allowed.includes(config.values[key])) return;
  const named = allowed.map((v) =>
    v === undefined ? "nothing" : JSON.stringify(v)
  );
  refuse(config, key, named.join(" or "));
}
