/**
 * Flow matching under the exponential integrators (`use_flow_sigmas`): where
 * diffusers' DPM-Solver, UniPC and DEIS lay their calls on the straight lines
 * (1 − σ) clean + σ noise.
 */
import type { PredictionType } from "../../schedule/noise_config.ts";
import type { SchedulerConfig } from "../../schedule/scheduler_config.ts";
import { evenly } from "../../schedule/sigmas.ts";
import { checkStepCount, type StepOptions } from "../../schedule/timesteps.ts";
import {
  checkLevels,
  constantShift,
  dynamicShift,
  dynamicShiftConfig,
  rationalShift,
  type Shift,
  stretched,
  toDouble,
} from "../flow/flow_levels.ts";

/** How a class lays levels of flow matching. */
export type FlowSigmas = NonNullable<ReturnType<typeof flowSigmasConfig>>;

/** UniPC steps from pure noise; its first signal must not be 0. */
const leastSignal = 1e-6;

/**
 * The keys of flow matching; null where the config does not ask for it.
 *
 * @param isUnipc Whether they are UniPC's: it alone begins at pure noise, stretches, takes lists and Karras' levels.
 * @throws {TypeError} If the config asks for other spacings of sigmas beside it, or shifts levels without it.
 */
export function flowSigmasConfig(config: SchedulerConfig, isUnipc = false) {
  const isDynamic = config.boolean("use_dynamic_shifting") ?? false;
  if (!config.boolean("use_flow_sigmas")) {
    if (isDynamic) {
      config.refuse("use_dynamic_shifting", "false without use_flow_sigmas");
    }
    return null;
  }
  for (const key of spacings) {
    const isKnown = isUnipc && key === "use_karras_sigmas";
    if (config.boolean(key) && !isKnown) {
      config.refuse(key, "false beside use_flow_sigmas");
    }
  }
  const shift = config.positive("flow_shift") ?? 1;
  const isLinear = dynamicShiftConfig(config).shiftType === "linear";
  if (isDynamic && isLinear && !isUnipc) {
    config.refuse("time_shift_type", "exponential under this class");
  }
  /** How levels move for a number of tokens. */
  const shiftFor = ({ tokens, mostShift }: StepOptions): Shift => {
    if (!isDynamic) return constantShift(shift);
    const a = dynamicShift(dynamicShiftConfig(config, mostShift), tokens);
    return isUnipc ? rationalShift(a) : constantShift(a);
  };
  const terminal = config.optionalNumber("shift_terminal") || undefined;
  return { isUnipc, shiftFor, terminal: isUnipc ? terminal : undefined };
}

/** What networks may predict under such levels: a velocity only where clean samples are integrated, and along flow matching's lines. */
export const predictionTypes = (
  flow: FlowSigmas | null,
  ofClean = true,
): readonly PredictionType[] => [
  "epsilon",
  "v_prediction",
  "sample",
  ...flow && ofClean ? ["flow_prediction" as const] : [],
];

const spacings = [
  "use_karras_sigmas",
  "use_lu_lambdas",
  "use_exponential_sigmas",
  "use_beta_sigmas",
];

/**
 * The levels of T calls, float64.
 *
 * @throws {RangeError} If the steps or levels are out of range.
 * @throws {TypeError} If there are levels where the class takes none.
 */
export function flowSigmas(
  { isUnipc, shiftFor, terminal }: FlowSigmas,
  { scale, ...options }: StepOptions & {
    /** Timesteps of the training. */
    readonly scale: number;
  },
): number[] {
  const { steps = 0, sigmas: asked } = options;
  if (asked) checkLevels(asked);
  else checkStepCount(steps, scale);
  const shift = shiftFor(options);
  const grid = asked ?? evenly(steps + 1, 1, 1 / scale).slice(0, -1);
  const below = () =>
    evenly(steps + 1, 1, 1 / scale).map((a) => 1 - a).slice(1).reverse();
  const moved = (isUnipc ? grid : below()).map((sigma) =>
    shift(sigma, toDouble)
  );
  const sigmas = [...stretched(moved, terminal, toDouble)];
  const isPureNoise = isUnipc && Math.abs(sigmas[0] - 1) < leastSignal;
  return isPureNoise ? sigmas.with(0, sigmas[0] - leastSignal) : sigmas;
}
