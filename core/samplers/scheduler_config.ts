/**
 * A diffusers `scheduler_config.json`, checked. Keys that belong to one
 * scheduler class only are left to the sampler that needs them.
 */

const betaSchedules = ["linear", "scaled_linear", "squaredcos_cap_v2"] as const;
const predictionTypes = ["epsilon", "v_prediction", "sample"] as const;
const timestepSpacings = ["leading", "linspace", "trailing"] as const;

/** How betas go from `betaStart` to `betaEnd`. */
export type BetaSchedule = typeof betaSchedules[number];
/** What the model predicts: noise, velocity or the clean sample. */
export type PredictionType = typeof predictionTypes[number];
/** How T timesteps are picked among those of the training. */
export type TimestepSpacing = typeof timestepSpacings[number];

/** The noise schedule and sampling options of a trained model. Undefined: the file is silent, and the default depends on the sampler. */
export interface SchedulerConfig {
  readonly numTrainTimesteps: number;
  readonly betaStart: number;
  readonly betaEnd: number;
  readonly betaSchedule: BetaSchedule;
  /** The betas themselves, one a training timestep; overrides the three above. */
  readonly trainedBetas?: readonly number[];
  /** Rescale betas so that the last training timestep is pure noise (arXiv 2305.08891). */
  readonly rescaleBetasZeroSnr: boolean;
  readonly predictionType: PredictionType;
  readonly timestepSpacing?: TimestepSpacing;
  /** Added to every timestep of leading spacing. */
  readonly stepsOffset: number;
  /** The last step goes to a clean sample (alpha 1) rather than to training timestep 0. */
  readonly setAlphaToOne?: boolean;
  /** Clip the predicted clean sample to ±`clipSampleRange`. */
  readonly clipSample?: boolean;
  readonly clipSampleRange: number;
  /** Dynamic thresholding of the predicted clean sample (Imagen). */
  readonly thresholding: boolean;
}

/**
 * Reads a `scheduler_config.json`; bare `-Infinity` and `Infinity`, which Python writes, are accepted.
 *
 * @throws {TypeError} If the file is not JSON, or a value has the wrong type or is unknown.
 * @throws {RangeError} If a number is out of range, or values contradict each other.
 */
export async function readSchedulerConfig(
  path: string,
): Promise<SchedulerConfig> {
  const text = await Deno.readTextFile(path);
  let json: unknown;
  try {
    json = JSON.parse(withJsonInfinities(text));
  } catch (cause) {
    throw new TypeError(`Cannot read scheduler config ${path}: not JSON`, {
      cause,
    });
  }
  return parseSchedulerConfig(json, path);
}

/** Bare infinities become numbers that overflow to them; strings stay. */
function withJsonInfinities(text: string): string {
  return text.replace(
    /"(?:[^"\\]|\\.)*"|\bInfinity\b/g,
    (token) => token === "Infinity" ? "1e999" : token,
  );
}

/**
 * The config held in parsed JSON. Keys of other scheduler classes are ignored; missing ones get diffusers' defaults.
 *
 * @param json The object of a `scheduler_config.json`.
 * @param source What to call it in errors, such as its path.
 * @throws {TypeError} If a value has the wrong type or is unknown.
 * @throws {RangeError} If a number is out of range, or values contradict each other.
 */
export function parseSchedulerConfig(
  json: unknown,
  source: string,
): SchedulerConfig {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new TypeError(
      `Cannot parse scheduler config ${source}: expected an object`,
    );
  }
  const field = new Fields(json as Record<string, unknown>, source);
  const config: SchedulerConfig = {
    numTrainTimesteps: field.integer("num_train_timesteps", 1) ?? 1000,
    betaStart: field.fraction("beta_start") ?? 0.0001,
    betaEnd: field.fraction("beta_end") ?? 0.02,
    betaSchedule: field.oneOf("beta_schedule", betaSchedules) ?? "linear",
    trainedBetas: field.fractions("trained_betas"),
    rescaleBetasZeroSnr: field.boolean("rescale_betas_zero_snr") ?? false,
    predictionType: field.oneOf("prediction_type", predictionTypes) ??
      "epsilon",
    timestepSpacing: field.oneOf("timestep_spacing", timestepSpacings),
    stepsOffset: field.integer("steps_offset", 0) ?? 0,
    setAlphaToOne: field.boolean("set_alpha_to_one"),
    clipSample: field.boolean("clip_sample"),
    clipSampleRange: field.positive("clip_sample_range") ?? 1,
    thresholding: field.boolean("thresholding") ?? false,
  };
  checkBetas(config, field);
  return config;
}

function checkBetas(config: SchedulerConfig, field: Fields) {
  const { trainedBetas, numTrainTimesteps, betaStart, betaEnd } = config;
  if (trainedBetas && trainedBetas.length !== numTrainTimesteps) {
    throw new RangeError(
      field.message(
        "trained_betas",
        `${trainedBetas.length} values`,
        `num_train_timesteps ${numTrainTimesteps}`,
      ),
    );
  }
  if (betaStart > betaEnd) {
    throw new RangeError(
      field.message("beta_start", betaStart, `at most beta_end ${betaEnd}`),
    );
  }
}

/** Typed access to the keys of one file; a null value counts as missing, as in diffusers. */
class Fields {
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

  integer(key: string, least: number): number | undefined {
    const value = this.#number(key);
    if (value === undefined) return undefined;
    if (Number.isSafeInteger(value) && value >= least) return value;
    throw new RangeError(
      this.message(key, value, `an integer of at least ${least}`),
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

  #number(key: string): number | undefined {
    const value = this.json[key] ?? undefined;
    if (value === undefined || typeof value === "number") return value;
    throw new TypeError(this.message(key, value, "a number"));
  }
}

function isFraction(value: unknown): boolean {
  return typeof value === "number" && value > 0 && value < 1;
}
