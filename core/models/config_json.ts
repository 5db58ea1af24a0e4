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

/** A required positive integer. @throws {TypeError} If it is missing or anything else. */
export function positiveInteger(config: ConfigJson, key: string): number {
  const value = config.values[key];
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0
    ? value
    : refuse(config, key, "a positive integer");
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
): readonly number[] {
  const value = config.values[key];
  const list: unknown[] = Array.isArray(value)
    ? value
    : Array(count).fill(value);
  const isPositive = (n: unknown): n is number =>
    Number.isSafeInteger(n) && (n as number) > 0;
  return list.length === count && list.every(isPositive)
    ? list
    : refuse(config, key, `a positive integer or a list of ${count}`);
}

/** A required list that is not empty. @throws {TypeError} If `key` holds none. */
export function nonEmptyList(
  config: ConfigJson,
  key: string,
): readonly unknown[] {
  const value = config.values[key];
  return Array.isArray(value) && value.length > 0
    ? value
    : refuse(config, key, "a list");
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
