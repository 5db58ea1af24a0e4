/** Euler's method on the flow's ODE (Esser et al., arXiv 2403.03206), as diffusers' `FlowMatchEulerDiscreteScheduler` steps it. */
import { ownStep, type Sampler, samplerOf } from "../../sampler.ts";
import type { SchedulerConfig } from "../../schedule/scheduler_config.ts";
import { sigmasConfig, sigmaSpacings } from "../../schedule/sigmas.ts";
import type { StepOptions } from "../../schedule/timesteps.ts";
import {
  checkLevels,
  constantShift,
  dynamicShift,
  dynamicShiftConfig,
  evenLevels,
  flowConfig,
  rationalShift,
  type Round,
  stretched,
  toDouble,
} from "./flow_levels.ts";

/** The config of `FlowMatchEulerDiscreteScheduler`. @throws {TypeError | RangeError} If a value does not fit its key. */
export function flowMatchEulerConfig(config: SchedulerConfig) {
  return {
    ...flowConfig(config),
    spacing: sigmasConfig(config).spacing,
    /** Whether sigmas are shifted by the number of a picture's tokens, not by `shift`. */
    isDynamic: config.boolean("use_dynamic_shifting") ?? false,
    ...dynamicShiftConfig(config),
    /** The sigma to which the last one is stretched, if there is one. */
    shiftTerminal: config.optionalNumber("shift_terminal") || undefined,
    /** Whether sigmas rise: 1 − σ. */
    isInverted: config.boolean("invert_sigmas") ?? false,
    /** Whether each step adds new noise to its clean sample. */
    isStochastic: config.boolean("stochastic_sampling") ?? false,
  };
}

type FlowMatchEulerConfig = ReturnType<typeof flowMatchEulerConfig>;

/**
 * Euler at T sigmas; without memory. If timesteps are given, the network reads
 * them, and sigmas follow from them and are shifted.
 *
 * @throws {RangeError} If the steps are out of range, or the shift needs a number of tokens that is not given.
 */
export function makeFlowMatchEuler(
  config: FlowMatchEulerConfig,
  options: StepOptions,
): Sampler {
  const sigmas = sigmasOf(config, options);
  const { timesteps, begin = 0 } = options;
  const { numTrainTimesteps, isStochastic } = config;
  return samplerOf({
    name: "flow-euler",
    level: { signal: 1 - sigmas[begin], noise: sigmas[begin] },
    steps: sigmas.slice(0, -1).map((sigma, i) => {
      const own = timesteps?.[i] ?? sigma * numTrainTimesteps;
      const next = sigmas[i + 1];
      // x' = x + (σ' − σ) v; or (1 − σ') clean + σ' fresh noise, with clean = x − σ v.
      const [x, prediction] = isStochastic
        ? [1 - next, -(1 - next) * sigma]
        : [1, Math.fround(next - sigma)];
      const noise = isStochastic ? next : 0;
      const timestep = Math.fround(own);
      return ownStep({ timestep }, { x, prediction }, { noise });
    }).slice(begin),
  });
}

/** The sigmas of the calls and of the end, float32. @throws {RangeError} If the shift lacks the number of tokens. */
function sigmasOf(
  config: FlowMatchEulerConfig,
  options: StepOptions,
): number[] {
  const { spacing, isDynamic, shiftTerminal, isInverted } = config;
  const { given, round } = givenLevels(config, options);
  const shift = isDynamic
    ? rationalShift(dynamicShift(config, options.tokens))
    : constantShift(config.shift);
  const moved = given.map((sigma) => shift(sigma, round));
  const levels = stretched(moved, shiftTerminal, round);
  const ends = { max: levels[0], min: levels[levels.length - 1] };
  const spaced = spacing ? sigmaSpacings[spacing](levels.length, ends) : levels;
  const sigmas = spaced.map(Math.fround);
  return isInverted
    ? [...sigmas.map((sigma) => Math.fround(1 - sigma)), 1]
    : [...sigmas, 0];
}

/** The sigmas before the shift, and the arithmetic of the shift: float32 for lists. */
function givenLevels(
  config: FlowMatchEulerConfig,
  { steps, sigmas, timesteps }: StepOptions,
): { given: readonly number[]; round: Round } {
  const { numTrainTimesteps, isDynamic, shift } = config;
  const levels = sigmas ??
    timesteps?.map((t) => Math.fround(t) / numTrainTimesteps);
  if (levels) {
    checkLevels(levels);
    return { given: levels.map(Math.fround), round: Math.fround };
  }
  const ends = isDynamic ? undefined : constantShift(shift);
  const given = evenLevels(config, steps ?? 0, ends);
  return { given, round: toDouble };
}
