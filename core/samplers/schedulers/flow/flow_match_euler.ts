/** Euler's method on the flow's ODE (Esser et al., arXiv 2403.03206), as diffusers' `FlowMatchEulerDiscreteScheduler` steps it. */
import {
  ownStep,
  type Sampler,
  samplerOf,
  type SamplerStep,
} from "../../sampler.ts";
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
  type Shift,
  stretched,
  toDouble,
} from "./flow_levels.ts";

/** The config of `FlowMatchEulerDiscreteScheduler`. @throws {TypeError | RangeError} If a value is not as its key needs it. */
export function flowMatchEulerConfig(config: SchedulerConfig) {
  return {
    ...flowConfig(config),
    spacing: sigmasConfig(config).spacing,
    /** Whether levels move with the number of a picture's tokens, not by `shift`. */
    isDynamic: config.boolean("use_dynamic_shifting") ?? false,
    ...dynamicShiftConfig(config),
    /** Where the last level is stretched to, if it is. */
    shiftTerminal: config.optionalNumber("shift_terminal") || undefined,
    /** Whether levels rise: 1 − σ. */
    isInverted: config.boolean("invert_sigmas") ?? false,
    /** Whether each step adds new noise to its clean sample. */
    isStochastic: config.boolean("stochastic_sampling") ?? false,
  };
}

type FlowMatchEulerConfig = ReturnType<typeof flowMatchEulerConfig>;

/**
 * Euler at T levels; without memory. Of timesteps, what the network is told,
 * levels follow, and are shifted.
 *
 * @throws {RangeError} If the steps are out of range, or levels move with the number of tokens and that is not given.
 */
export function makeFlowMatchEuler(
  config: FlowMatchEulerConfig,
  options: StepOptions,
): Sampler {
  const sigmas = sigmasOf(config, options);
  const { timesteps, begin = 0 } = options;
  return samplerOf({
    name: "flow-euler",
    level: { signal: 1 - sigmas[begin], noise: sigmas[begin] },
    steps: sigmas.slice(0, -1).map((sigma, i) =>
      eulerStep(config, {
        timestep: Math.fround(
          timesteps?.[i] ?? sigma * config.numTrainTimesteps,
        ),
        sigma,
        next: sigmas[i + 1],
      })
    ).slice(begin),
  });
}

/** x' = x + (σ' − σ) v; or (1 − σ') clean + σ' fresh noise, with clean = x − σ v. */
function eulerStep(
  { isStochastic }: FlowMatchEulerConfig,
  { timestep, sigma, next }: {
    readonly timestep: number;
    readonly sigma: number;
    readonly next: number;
  },
): SamplerStep {
  const [x, v] = isStochastic
    ? [1 - next, -(1 - next) * sigma]
    : [1, Math.fround(next - sigma)];
  const noise = isStochastic ? next : 0;
  return ownStep({ timestep }, { x, prediction: v }, { noise });
}

/** The levels of the T calls and where the last step ends, float32. */
function sigmasOf(
  config: FlowMatchEulerConfig,
  options: StepOptions,
): number[] {
  const { given, round } = givenLevels(config, options);
  const shift = shiftOf(config, options);
  const moved = given.map((sigma) => shift(sigma, round));
  const spaced = spacedLevels(
    config,
    stretched(moved, config.shiftTerminal, round),
  );
  const sigmas = spaced.map(Math.fround);
  return config.isInverted
    ? [...sigmas.map((sigma) => Math.fround(1 - sigma)), 1]
    : [...sigmas, 0];
}

/** Levels before they are shifted, and the arithmetic that they are in: lists are float32. */
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

/** @throws {RangeError} If levels move with the number of tokens and that is not known. */
const shiftOf = (
  config: FlowMatchEulerConfig,
  { tokens }: StepOptions,
): Shift =>
  config.isDynamic
    ? rationalShift(dynamicShift(config, tokens))
    : constantShift(config.shift);

/** The levels between the same ends, spaced as the config asks. */
function spacedLevels(
  { spacing }: FlowMatchEulerConfig,
  sigmas: readonly number[],
): readonly number[] {
  const [max, min] = [sigmas[0], sigmas[sigmas.length - 1]];
  return spacing ? sigmaSpacings[spacing](sigmas.length, { min, max }) : sigmas;
}
