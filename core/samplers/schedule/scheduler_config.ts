/**
 * A diffusers `scheduler_config.json`, checked: every key that a sampler here
 * reads, whichever scheduler class it belongs to.
 */
import { ConfigFields, parseLenientJson } from "./config_fields.ts";

const betaSchedules = ["linear", "scaled_linear", "squaredcos_cap_v2"] as const;
const predictionTypes = ["epsilon", "v_prediction", "sample"] as const;
const timestepSpacings = ["leading", "linspace", "trailing"] as const;
const finalSigmas = ["zero", "sigma_min"] as const;
const sigmaSpacings = [
  "use_karras_sigmas",
  "use_lu_lambdas",
  "use_exponential_sigmas",
  "use_beta_sigmas",
  "use_flow_sigmas",
] as const;

/** How betas go from `betaStart` to `betaEnd`. */
export type BetaSchedule = typeof betaSchedules[number];
/** What the model predicts: noise, velocity or the clean sample. */
export type PredictionType = typeof predictionTypes[number];
/** How T timesteps are picked among those of the training. */
export type TimestepSpacing = typeof timestepSpacings[number];
/** The key that asks for sigmas spaced otherwise than the timesteps. */
export type SigmaSpacing = typeof sigmaSpacings[number];

/** The noise schedule and sampling options of a trained model. Undefined: the file is silent, and the default depends on the sampler. */
export interface SchedulerConfig {
  /** What the file is called in errors, such as its path. */
  readonly source: string;
  /** The file's `_class_name`: the scheduler that the model came with. */
  readonly className?: string;
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
  /** DDPM: the variance of a step. */
  readonly varianceType?: string;
  /** PNDM: no Runge-Kutta warm-up. */
  readonly skipPrkSteps?: boolean;
  /** DPM-Solver: 1 to 3. */
  readonly solverOrder: number;
  readonly solverType: string;
  readonly algorithmType: string;
  /** DPM-Solver: with few steps, the last ones are of lower order. */
  readonly lowerOrderFinal: boolean;
  /** DPM-Solver: the last step is of order 1. */
  readonly eulerAtFinal: boolean;
  /** DPM-Solver: timesteps whose log signal-to-noise ratio is lower are left out. */
  readonly lambdaMinClipped: number;
  /** DPM-Solver and Euler: undefined where sigmas follow the timesteps. */
  readonly sigmaSpacing?: SigmaSpacing;
  /** DPM-Solver and Euler: where the last step ends, at no noise or at training timestep 0. */
  readonly finalSigmas: typeof finalSigmas[number];
  /** Euler: ends of the Karras spacing, in place of the timesteps' own. */
  readonly sigmaMin?: number;
  readonly sigmaMax?: number;
  readonly interpolationType: string;
  readonly timestepType: string;
  /** LCM: steps of the solver that the model was distilled from. */
  readonly originalInferenceSteps: number;
  /** LCM: what timesteps are multiplied by in its boundary condition. */
  readonly timestepScaling: number;
}

/**
 * Reads a `scheduler_config.json`; bare `-Infinity`, `Infinity` and `NaN`, which Python writes, are accepted.
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
    json = parseLenientJson(text);
  } catch (cause) {
    throw new TypeError(`Cannot read scheduler config ${path}: not JSON`, {
      cause,
    });
  }
  return parseSchedulerConfig(json, path);
}

/**
 * The config held in parsed JSON. Unknown keys are ignored; missing ones get diffusers' defaults.
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
  const field = new ConfigFields(json as Record<string, unknown>, source);
  const config = {
    source,
    className: field.string("_class_name"),
    ...noiseFields(field),
    ...samplingFields(field),
    ...solverFields(field),
  };
  checkBetas(config, field);
  return config;
}

/** The forward process and what the model makes of it. */
function noiseFields(field: ConfigFields) {
  return {
    numTrainTimesteps: field.integer("num_train_timesteps", 1) ?? 1000,
    betaStart: field.fraction("beta_start") ?? 0.0001,
    betaEnd: field.fraction("beta_end") ?? 0.02,
    betaSchedule: field.oneOf("beta_schedule", betaSchedules) ?? "linear",
    trainedBetas: field.fractions("trained_betas"),
    rescaleBetasZeroSnr: field.boolean("rescale_betas_zero_snr") ?? false,
    predictionType: field.oneOf("prediction_type", predictionTypes) ??
      "epsilon",
  };
}

/** What several samplers read. */
function samplingFields(field: ConfigFields) {
  return {
    timestepSpacing: field.oneOf("timestep_spacing", timestepSpacings),
    stepsOffset: field.integer("steps_offset", 0) ?? 0,
    setAlphaToOne: field.boolean("set_alpha_to_one"),
    clipSample: field.boolean("clip_sample"),
    clipSampleRange: field.positive("clip_sample_range") ?? 1,
    thresholding: field.boolean("thresholding") ?? false,
    sigmaSpacing: sigmaSpacings.find((key) => field.boolean(key)),
    finalSigmas: field.oneOf("final_sigmas_type", finalSigmas) ?? "zero",
  };
}

/** What one sampler reads. */
function solverFields(field: ConfigFields) {
  return {
    varianceType: field.string("variance_type"),
    skipPrkSteps: field.boolean("skip_prk_steps"),
    solverOrder: field.integer("solver_order", 1) ?? 2,
    solverType: field.string("solver_type") ?? "midpoint",
    algorithmType: field.string("algorithm_type") ?? "dpmsolver++",
    lowerOrderFinal: field.boolean("lower_order_final") ?? true,
    eulerAtFinal: field.boolean("euler_at_final") ?? false,
    lambdaMinClipped: field.number("lambda_min_clipped") ?? -Infinity,
    sigmaMin: field.positive("sigma_min"),
    sigmaMax: field.positive("sigma_max"),
    interpolationType: field.string("interpolation_type") ?? "linear",
    timestepType: field.string("timestep_type") ?? "discrete",
    originalInferenceSteps: field.integer("original_inference_steps", 1) ?? 50,
    timestepScaling: field.positive("timestep_scaling") ?? 10,
  };
}

function checkBetas(
  config: Pick<
    SchedulerConfig,
    "trainedBetas" | "numTrainTimesteps" | "betaStart" | "betaEnd"
  >,
  field: ConfigFields,
) {
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
