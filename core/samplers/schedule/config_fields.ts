/** Typed access to the keys of a scheduler's JSON file; errors name file, key, found and expected. */

/** How Python's `json` and its users write numbers that JSON lacks: bare, or as strings. */
const nonFinite: Readonly<Record<string, number>> = {
  Infinity: Infinity,
  "-Infinity": -Infinity,
  NaN: NaN,
};

/**
 * JSON in which bare `Infinity`, `-Infinity` and `NaN` may stand for numbers; {@linkcode ConfigFields} reads them.
 *
 * @throws {SyntaxError} If it is not such JSON.
 */
export function parseLenientJson(text: string): unknown {
  const quoted = text.replace(
    /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g,
    (token) => token.startsWith('"') ? token : `"${token}"`,
  );
  return JSON.parse(quoted);
}

/** The most steps that a file may ask for: a damaged one must not take the memory of the machine. */
const mostSteps = 100_000;

/** Typed access to the keys of one file; a null value counts as missing, as in diffusers. */
export class ConfigFields {
  constructor(
    private readonly json: Record<string, unknown>,
    private readonly source: string,
  ) {}

  message(key: string, found: unknown, expected: string): string {
    const shown = typeof found === "object" ? JSON.stringify(found) : found;
    return `Cannot parse scheduler config ${this.source}: ${key} is ${shown}, expected ${expected}`;
  }

  boolean(key: string): boolean | undefined {
    const value = this.json[key] ?? undefined;
    if (value === undefined || typeof value === "boolean") return value;
    throw new TypeError(this.message(key, value, "true or false"));
  }

  oneOf<T extends string>(key: string, choices: readonly T[]): T | undefined {
    const value = this.json[key] ?? undefined;
    if (value === undefined) return undefined;
    const choice = choices.find((each) => each === value);
    if (choice !== undefined) return choice;
    throw new TypeError(
      this.message(key, value, `one of ${choices.join(", ")}`),
    );
  }

  /** A count of steps, or what is as small. */
  integer(key: string, least: number): number | undefined {
    const value = this.#number(key);
    if (value === undefined) return undefined;
    const fits = Number.isSafeInteger(value) && value >= least &&
      value <= mostSteps;
    if (fits) return value;
    throw new RangeError(
      this.message(
        key,
        value,
        `an integer of at least ${least}, at most ${mostSteps}`,
      ),
    );
  }

  positive(key: string): number | undefined {
    const value = this.#number(key);
    if (value === undefined || (value > 0 && value < Infinity)) return value;
    throw new RangeError(this.message(key, value, "a positive number"));
  }

  fraction(key: string): number | undefined {
    const value = this.#number(key);
    if (value === undefined || isFraction(value)) return value;
    throw new RangeError(this.message(key, value, "between 0 and 1"));
  }

  fractions(key: string): readonly number[] | undefined {
    const value = this.json[key] ?? undefined;
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) {
      throw new TypeError(this.message(key, value, "a list of numbers"));
    }
    const wrong = value.findIndex((each) => !isFraction(each));
    if (wrong === -1) return value;
    throw new RangeError(
      this.message(`${key}[${wrong}]`, value[wrong], "between 0 and 1"),
    );
  }

  /** Any number but NaN. */
  number(key: string): number | undefined {
    const value = this.#number(key);
    if (!Number.isNaN(value)) return value;
    throw new RangeError(this.message(key, value, "a number"));
  }

  string(key: string): string | undefined {
    const value = this.json[key] ?? undefined;
    if (value === undefined || typeof value === "string") return value;
    throw new TypeError(this.message(key, value, "a string"));
  }

  #number(key: string): number | undefined {
    const value = this.json[key] ?? undefined;
    if (value === undefined || typeof value === "number") return value;
    if (typeof value === "string" && Object.hasOwn(nonFinite, value)) {
      return nonFinite[value];
    }
    throw new TypeError(this.message(key, value, "a number"));
  }
}

function isFraction(value: unknown): boolean {
  return typeof value === "number" && value > 0 && value < 1;
}
