/** Euler's method on the probability flow ODE in sigma (arXiv 2206.00364, Algorithm 1), as diffusers' `EulerDiscreteScheduler` steps it without churn. */
import type { Sampler } from "../../sampler.ts";
import type { SchedulerConfig } from "../../schedule/scheduler_config.ts";
import {
  type Call,
  evenly,
  finalSigmasConfig,
  type TrainingSigmas,
  trainingSigmas,
} from "../../schedule/sigmas.ts";
import type { StepOptions } from "../../schedule/timesteps.ts";
import {
  callAt,
  eulerStep,
  quarterLog,
  sigmaClassConfig,
  sigmaSampler,
  spacedCalls,
  timestepCalls,
} from "./sigma_calls.ts";

/** The config of `EulerDiscreteScheduler`. @throws As `noiseConfig`. */
export function eulerConfig(config: SchedulerConfig) {
  const interpolations = ["linear", "log_linear"] as const;
  const interpolation = config.oneOf("interpolation_type", interpolations);
  const types = ["discrete", "continuous"] as const;
  const type = config.oneOf("timestep_type", types) ?? "discrete";
  const own = sigmaClassConfig(config, { zeroSnr: true });
  return {
    ...own,
    /** Whether sigmas are evenly spaced in their logarithm, whatever the timesteps. */
    isLogLinear: interpolation === "log_linear",
    /** Whether the model reads log(sigma) / 4 as its timestep. */
    isContinuous: type === "continuous" &&
      own.predictionType === "v_prediction",
    finalSigmas: finalSigmasConfig(config),
  };
}

type EulerConfig = ReturnType<typeof eulerConfig>;

/** The calls, and the sigma at which the last step ends. */
interface Course {
  readonly calls: readonly Call[];
  readonly last: number;
}

/**
 * Euler at T noise levels.
 *
 * @throws {RangeError} If the steps, timesteps or sigmas are out of range.
 * @throws {TypeError} If timesteps are given, and the config spaces sigmas or has continuous timesteps.
 */
export function makeEuler(config: EulerConfig, options: StepOptions): Sampler {
  const { predictionType, isContinuous } = config;
  return sigmaSampler(config, options, {
    name: "euler",
    ...courseOf(config, options),
    stepsFrom(call, i, to) {
      const own = isContinuous
        ? { ...call, timestep: quarterLog(call.sigma) }
        : call;
      return eulerStep(i, { kind: predictionType, call: own, to });
    },
  });
}

function courseOf(
  config: EulerConfig,
  { sigmas, ...options }: StepOptions,
): Course {
  const training = trainingSigmas(config);
  if (sigmas) return givenCourse(training, sigmas);
  if (options.timesteps && config.isContinuous) {
    throw new TypeError(
      'Cannot use timesteps: the scheduler config has timestep_type "continuous", expected "discrete"',
    );
  }
  const calls = timestepCalls(config, options, training);
  const along = config.isLogLinear
    ? logLinear(training, calls.length + 1)
    : calls.map(({ sigma }) => sigma);
  const [max, min] = [along[0], along[along.length - 1]];
  const last = config.finalSigmas === "zero" ? 0 : training.sigmas[0];
  const spaced = spacedCalls(config, { max, min, options, training });
  if (spaced) return { calls: spaced, last };
  return {
    calls: calls.map(({ timestep }, i) => ({ timestep, sigma: along[i] })),
    last: along[calls.length] ?? last,
  };
}

/** @throws {RangeError} If there are fewer than two sigmas, or they do not descend strictly to 0 or above it. */
function givenCourse(
  training: TrainingSigmas,
  sigmas: readonly number[],
): Course {
  const last = sigmas.length - 1;
  const wrong = sigmas.findIndex((sigma, k) =>
    !(k === last ? sigma >= 0 : sigma > sigmas[k + 1] && sigma < Infinity)
  );
  if (last < 1 || wrong !== -1) {
    throw new RangeError(
      `Cannot use sigmas: found [${sigmas}], expected at least two that descend strictly, to 0 or above it`,
    );
  }
  return {
    calls: sigmas.slice(0, -1)
      .map((sigma) => callAt(training, Math.fround(sigma))),
    last: Math.fround(sigmas[last]),
  };
}

/** A number of sigmas between the training's ends, evenly spaced in their logarithm. */
const logLinear = ({ logs }: TrainingSigmas, count: number): number[] =>
  evenly(count, logs[logs.length - 1], logs[0])
    .map((log) => Math.fround(Math.exp(log)));
