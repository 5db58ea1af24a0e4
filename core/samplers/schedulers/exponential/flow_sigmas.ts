/**
 * Flow matching under the exponential integrators (`use_flow_sigmas`): the
 * sigmas at which diffusers' DPM-Solver, UniPC and DEIS call the model on the
 * straight lines (1 − σ) clean + σ noise.
 */
import type { SchedulerConfig } from "../../schedule/scheduler_config.ts";
import { evenly, spacingKeys } from "../../schedule/sigmas.ts";
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

/** The keys of flow matching that place the levels of a class. */
export type FlowSigmas = NonNullable<ReturnType<typeof flowSigmasConfig>>;

/** The signal of UniPC's first level instead of 0, which pure noise has. */
const leastSignal = 1e-6;

/**
 * Reads the keys of flow matching; null if the config does not ask for it.
 *
 * @param isUnipc Whether the class is UniPC, which alone begins at pure noise, stretches, and takes lists and Karras' sigmas.
 * @throws {TypeError} If the config asks for other spacings of sigmas too, or shifts levels without flow matching.
 */
export function flowSigmasConfig(config: SchedulerConfig, isUnipc = false) {
  const isDynamic = config.boolean("use_dynamic_shifting") ?? false;
  if (!config.boolean("use_flow_sigmas")) {
    if (isDynamic) {
      config.refuse("use_dynamic_shifting", "false without use_flow_sigmas");
    }
    return null;
  }
  for (const key of spacingKeys) {
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
  /** The shift of the sigmas for a number of tokens. */
  const shiftFor = ({ tokens, mostShift }: StepOptions): Shift => {
    if (!isDynamic) return constantShift(shift);
    const a = dynamicShift(dynamicShiftConfig(config, mostShift), tokens);
    return isUnipc ? rationalShift(a) : constantShift(a);
  };
  const terminal = config.optionalNumber("shift_terminal") || undefined;
  return { isUnipc, shiftFor, terminal: isUnipc ? terminal : undefined };
}

/** The sigmas of T calls, float64. @throws {RangeError} If the steps or sigmas are out of range. */
export function flowSigmas(
  { isUnipc, shiftFor, terminal }: FlowSigmas,
  { scale, ...options }: StepOptions & {
    /** The number of training timesteps. */
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
