/** The keys of every scheduler: the forward process of the training, and the predicted quantity. */
import type { SchedulerConfig } from "./scheduler_config.ts";

/** The quantity that the model predicts: noise, the clean sample, or a velocity between them. */
export type PredictionType =
  | "epsilon"
  | "v_prediction"
  | "sample"
  | "flow_prediction";

/** The prediction types of most classes. */
export const usualPredictions = ["epsilon", "v_prediction", "sample"] as const;

const usualBetas = ["linear", "scaled_linear", "squaredcos_cap_v2"] as const;

type BetaSchedule = typeof usualBetas[number] | "sigmoid" | "laplace" | "exp";

/** The values that a class supports, and its defaults. */
export interface NoiseClass {
  readonly betaStart?: number;
  readonly betaEnd?: number;
  readonly betaSchedule?: BetaSchedule;
  /** Schedules beside linear, scaled_linear and squaredcos_cap_v2. */
  readonly betaSchedules?: readonly BetaSchedule[];
  readonly predictionTypes?: readonly PredictionType[];
  /** Whether the class supports `rescale_betas_zero_snr`. */
  readonly zeroSnr?: boolean;
}

/** The defaults of the classes written for Stable Diffusion. */
export const stableDiffusionBetas = { betaStart: 0.00085, betaEnd: 0.012 };

/** The shared part of scheduler configs: the forward process of the training, and the predicted quantity. */
export type NoiseConfig = ReturnType<typeof noiseConfig>;

/**
 * Reads the keys that every scheduler has.
 *
 * @param own The class's defaults and choices; by default those of most classes.
 * @throws {TypeError | RangeError} If a value is of another type, unknown to the class or out of range, or betas contradict each other.
 */
export function noiseConfig(
  config: SchedulerConfig,
  {
    betaStart: start = 0.0001,
    betaEnd: end = 0.02,
    betaSchedule = "linear",
    betaSchedules = [],
    predictionTypes = usualPredictions,
    zeroSnr = false,
  }: NoiseClass = {},
) {
  const numTrainTimesteps = config.integer("num_train_timesteps", 1) ?? 1000;
  const betaStart = config.fraction("beta_start") ?? start;
  const betaEnd = config.fraction("beta_end") ?? end;
  if (betaStart > betaEnd) {
    config.refuse("beta_start", `at most beta_end ${betaEnd}`, RangeError);
  }
  const schedules = [...usualBetas, ...betaSchedules];
  return {
    numTrainTimesteps,
    betaStart,
    betaEnd,
    betaSchedule: config.oneOf("beta_schedule", schedules) ?? betaSchedule,
    trainedBetas: trainedBetas(config, numTrainTimesteps),
    /** Whether betas are rescaled so that the last training timestep is pure noise (arXiv 2305.08891). */
    rescaleBetasZeroSnr: zeroSnr &&
      (config.boolean("rescale_betas_zero_snr") ?? false),
    predictionType: config.oneOf("prediction_type", predictionTypes) ??
      "epsilon",
  };
}

/** The list of betas, one for each training timestep, if the file has it. */
function trainedBetas(
  config: SchedulerConfig,
  count: number,
): readonly number[] | undefined {
  const key = "trained_betas";
  if (!config.has(key)) return undefined;
  const isFraction = (beta: number) => beta > 0 && beta < 1;
  const betas = config.list(key, isFraction, "between 0 and 1")!;
  if (betas.length === count) return betas;
  return config.refuse(key, `${count} numbers, one a timestep`, RangeError);
}
