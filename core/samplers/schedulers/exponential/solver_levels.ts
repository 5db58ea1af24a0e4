/** The levels at which the exponential integrators call the model, and at which their last step ends. */
import { roundHalfEven } from "../../../tensor/rounding.ts";
import type { NoiseConfig } from "../../schedule/noise_config.ts";
import {
  levelOfFlow,
  levelOfSigma,
  type NoiseLevel,
} from "../../schedule/prediction.ts";
import {
  type Call,
  sigmaOfTimestep,
  type sigmasConfig,
  sigmaSpacings,
  timestepOfSigma,
  type TrainingSigmas,
  trainingSigmas,
} from "../../schedule/sigmas.ts";
import {
  checkStepCount,
  chosenTimesteps,
  spacedTimesteps,
  type SpacingOptions,
  type StepOptions,
} from "../../schedule/timesteps.ts";
import { type FlowSigmas, flowSigmas } from "./flow_sigmas.ts";

/** The keys that place the calls. */
export type LevelsConfig =
  & NoiseConfig
  & SpacingOptions
  & ReturnType<typeof sigmasConfig>
  & {
    /** Timesteps whose log signal-to-noise ratio is lower are left out. */
    readonly lambdaMinClipped?: number;
    /** Whether timesteps of Karras' and Lu's sigmas are truncated, not rounded, under the cosine schedule. */
    readonly cutsCosine?: boolean;
    /** The last step's end: without noise, at the training's least sigma, or at the last call's if sigmas are spaced. */
    readonly end: "zero" | "training" | "last";
    /** The keys of flow matching, whose levels are used instead of the training's; null if there are none. */
    readonly flow: FlowSigmas | null;
  };

/**
 * The levels of the T calls, then the level at which the last step ends.
 * Timesteps are whole: those of spaced sigmas are rounded or truncated.
 *
 * @throws {RangeError} If the steps are out of range.
 * @throws {TypeError} If timesteps are given beside a spacing of sigmas.
 */
export function solverLevels(
  config: LevelsConfig,
  options: StepOptions,
): NoiseLevel[] {
  const { flow, spacing, end } = config;
  const training = trainingSigmas(config);
  const calls = flow
    ? flowCalls(flow, config, { options, training })
    : callsOf(config, options, training);
  const ends = {
    zero: 0,
    training: training.sigmas[0],
    last: flow || spacing ? calls[calls.length - 1].sigma : training.sigmas[0],
  };
  const levelOf = flow ? levelOfFlow : levelOfSigma;
  return [...calls, { sigma: ends[end], timestep: 0 }].map((
    { sigma, timestep },
  ) => levelOf(Math.fround(sigma), timestep));
}

/** The calls of flow matching, Karras' by σ / (1 + σ). @throws {TypeError} If the class does not take the given lists. */
function flowCalls(
  flow: FlowSigmas,
  config: LevelsConfig,
  { options, training }: {
    readonly options: StepOptions;
    readonly training: TrainingSigmas;
  },
): Call[] {
  const { numTrainTimesteps: scale, spacing } = config;
  const { timesteps, sigmas: asked } = options;
  if (timesteps || asked && spacing) {
    throw new TypeError(
      `Cannot space timesteps: ${
        spacing ?? "use_flow_sigmas"
      } lays them itself, expected a number of steps`,
    );
  }
  const sigmas = spacing
    ? callsOf(config, options, training).map(({ sigma }) => sigma / (1 + sigma))
    : flowSigmas(flow, { ...options, scale });
  return sigmas.map((sigma) => ({
    sigma,
    timestep: Math.trunc(sigma * scale),
  }));
}

function callsOf(
  config: LevelsConfig,
  options: StepOptions,
  training: TrainingSigmas,
): Call[] {
  const { spacing } = config;
  if (options.sigmas) {
    throw new TypeError(
      "Cannot use sigmas: use_flow_sigmas is false, expected true beside them",
    );
  }
  const timesteps = chosenTimesteps(
    options,
    config,
    (steps) => spaced(config, { steps, training }),
  );
  if (!spacing || options.steps === undefined) {
    return timesteps.map((timestep) => ({
      timestep,
      sigma: sigmaOfTimestep(training, timestep),
    }));
  }
  const { sigmas } = training;
  // Lu's spacing has the training's ends in every class.
  const { sigmaMin, sigmaMax } = spacing === "use_lu_lambdas"
    ? {} as Partial<LevelsConfig>
    : config;
  const min = sigmaMin ?? sigmas[0];
  const max = sigmaMax ?? sigmas[sigmas.length - 1];
  return sigmaSpacings[spacing](options.steps, { min, max }).map((sigma) => ({
    timestep: wholeTimestep(config, timestepOfSigma(training, sigma)),
    sigma,
  }));
}

function wholeTimestep(
  { spacing, cutsCosine, betaSchedule }: LevelsConfig,
  timestep: number,
): number {
  const rounds = spacing === "use_karras_sigmas" ||
    spacing === "use_lu_lambdas";
  const cuts = cutsCosine && betaSchedule === "squaredcos_cap_v2";
  return Math.trunc(rounds && !cuts ? roundHalfEven(timestep) : timestep);
}

/** Spaces timesteps; leading and linspace pick one more and leave out the cleanest. */
function spaced(
  config: LevelsConfig,
  { steps, training }: {
    readonly steps: number;
    readonly training: TrainingSigmas;
  },
): number[] {
  const { numTrainTimesteps, timestepSpacing } = config;
  const last = noisiestTimestep(config, training) + 1;
  if (timestepSpacing === "trailing") {
    return spacedTimesteps(steps, { ...config, last });
  }
  checkStepCount(steps, numTrainTimesteps - 1);
  return spacedTimesteps(steps + 1, { ...config, last }).slice(0, -1);
}

/** The last timestep whose lambda is at least `lambdaMinClipped`. */
const noisiestTimestep = (
  { lambdaMinClipped = -Infinity }: LevelsConfig,
  { logs }: TrainingSigmas,
): number => logs.findLastIndex((log) => -log >= lambdaMinClipped);
