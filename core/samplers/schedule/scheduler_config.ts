/**
 * A diffusers `scheduler_config.json`: typed access to its keys. Each scheduler
 * reads those of its class, with that class's defaults, into a config of its own.
 */
import { ConfigJson } from "../../files/config_json.ts";
import { readPythonJson } from "../../files/read_json.ts";

/** How Python's `json` and its users write numbers that JSON lacks: bare, or as strings. */
const nonFinite = new Map<unknown, number>([
  ["Infinity", Infinity],
  ["-Infinity", -Infinity],
  ["NaN", NaN],
]);

/** The most steps that a file may ask for: a damaged one must not take the memory of the machine. */
const mostSteps = 100_000;

/** How T timesteps are picked among those of the training. */
export type TimestepSpacing = "leading" | "linspace" | "trailing";

/**
 * A scheduler's config as its file has it. Every reader returns undefined where
 * the key is missing or null, as in diffusers, and throws where the value is
 * not as it says: a `RangeError` of numbers, else a `TypeError`.
 */
export class SchedulerConfig extends ConfigJson {
  /** The scheduler that the model came with. */
  get className(): string | undefined {
    return this.string("_class_name");
  }

  boolean(key: string): boolean | undefined {
    const isBoolean = (value: unknown) => typeof value === "boolean";
    return this.#optional(key, isBoolean, "true or false");
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
    const value = nonFinite.get(this.values[key]) ?? this.values[key] ??
      undefined;
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

  positive(key: string): number | undefined {
    const fits = (value: number) => value > 0 && value < Infinity;
    return this.number(key, fits, "a positive number");
  }

  fraction(key: string): number | undefined {
    const fits = (value: number) => value > 0 && value < 1;
    return this.number(key, fits, "between 0 and 1");
  }

  /** How the timesteps are spaced; `byDefault` is the class's. */
  timesteps(byDefault: TimestepSpacing) {
    const spacings = ["leading", "linspace", "trailing"] as const;
    return {
      timestepSpacing: this.oneOf("timestep_spacing", spacings) ?? byDefault,
      /** Added to every timestep of leading spacing. */
      stepsOffset: this.integer("steps_offset", 0) ?? 0,
    };
  }

  /**
   * How the predicted clean sample is kept in the data's range: within
   * ±`clipLimit`, undefined where it is not. Dynamic thresholding (Imagen,
   * section 2.3), a quantile of each sample, is refused.
   *
   * @param byDefault Whether a silent config of the class clips.
   */
  clipping(byDefault: boolean): { readonly clipLimit?: number } {
    this.refuseThresholding();
    const limit = this.positive("clip_sample_range") ?? 1;
    const clips = this.boolean("clip_sample") ?? byDefault;
    return { clipLimit: clips ? limit : undefined };
  }

  refuseThresholding(): void {
    if (!this.boolean("thresholding")) return;
    this.refuse("thresholding", "false (it is not supported)");
  }

  #optional<T>(
    key: string,
    fits: (value: unknown) => value is T,
    expected: string,
  ): T | undefined {
    if (!this.has(key)) return undefined;
    const value = this.values[key];
    return fits(value) ? value : this.refuse(key, expected);
  }
}

/**
 * Reads a `scheduler_config.json`; bare `-Infinity`, `Infinity` and `NaN`, which Python writes, are accepted.
 *
 * @throws {TypeError} If the file is no object of JSON.
 */
export async function readSchedulerConfig(
  path: string,
): Promise<SchedulerConfig> {
  return parseSchedulerConfig(await readPythonJson(path), path);
}

/**
 * The config held in parsed JSON.
 *
 * @param json The object of a `scheduler_config.json`.
 * @param source Its name in errors, such as its path.
 * @throws {TypeError} If it is no object.
 */
export const parseSchedulerConfig = (
  json: unknown,
  source: string,
): SchedulerConfig => new SchedulerConfig(json, source);
