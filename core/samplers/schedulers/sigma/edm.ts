/**
 * The preconditioning of EDM (Karras et al., arXiv 2206.00364, section 5 and
 * table 1), as diffusers' `EDMEulerScheduler` and
 * `EDMDPMSolverMultistepScheduler` step it; Playground v2.5 samples so.
 *
 * With x in units of sigma_data and sigma over sigma_data, the clean sample is
 * that of a velocity prediction, so both classes are existing samplers in these
 * units: their coefficients are brought to x here.
 */
import {
  ownStep,
  type Sampler,
  samplerOf,
  type SamplerStep,
} from "../../sampler.ts";
import { levelOfSigma } from "../../schedule/prediction.ts";
import {
  mostSteps,
  type SchedulerConfig,
} from "../../schedule/scheduler_config.ts";
import { finalSigmasConfig, sigmaSpacings } from "../../schedule/sigmas.ts";
import { checkStepCount, type StepOptions } from "../../schedule/timesteps.ts";
import { dpmConfig, dpmStep } from "../exponential/dpm_solver.ts";
import { eulerStep, quarterLog } from "./sigma_calls.ts";

/** The config of `EDMEulerScheduler`. @throws {TypeError | RangeError} If a value is not the class's. */
export function edmConfig(config: SchedulerConfig) {
  const sigmaMin = config.positive("sigma_min") ?? 0.002;
  const sigmaMax = config.positive("sigma_max") ?? 80;
  if (sigmaMin >= sigmaMax) {
    config.refuse("sigma_min", `less than sigma_max ${sigmaMax}`, RangeError);
  }
  const spacings = ["karras", "exponential"] as const;
  const predictions = ["epsilon", "v_prediction"] as const;
  return {
    ends: { min: sigmaMin, max: sigmaMax, rho: config.positive("rho") },
    sigmaData: config.positive("sigma_data") ?? 0.5,
    spacing: config.oneOf("sigma_schedule", spacings) ?? "karras",
    /** The sign of a velocity; what these classes call epsilon is its negative. */
    sign: config.oneOf("prediction_type", predictions) === "v_prediction"
      ? 1
      : -1,
    finalSigmas: finalSigmasConfig(config),
  };
}

/** The config of `EDMDPMSolverMultistepScheduler`. @throws As {@linkcode edmConfig}. */
export function edmDpmConfig(config: SchedulerConfig) {
  if (config.boolean("thresholding")) config.refuse("thresholding", "false");
  const known = ["dpmsolver++", "sde-dpmsolver++"] as const;
  return {
    ...dpmConfig(config, { known, zeroSnr: false }),
    ...edmConfig(config),
    predictionType: "v_prediction" as const,
    lowerOrderFinal: config.boolean("lower_order_final") ?? true,
    eulerAtFinal: config.boolean("euler_at_final") ?? false,
  };
}

type EdmConfig = ReturnType<typeof edmConfig>;

/** EDM's Euler at T noise levels, without churn. @throws {RangeError} If the steps are out of range. */
export function makeEdmEuler(config: EdmConfig, options: StepOptions): Sampler {
  const { begin = 0 } = options;
  const sigmas = sigmasOf(config, options);
  const scaled = sigmas.slice(begin).map((sigma) => sigma / config.sigmaData);
  const steps = scaled.slice(0, -1).map((sigma, i) => {
    const call = { sigma, timestep: quarterLog(sigmas[begin + i]) };
    return eulerStep(i, { kind: "v_prediction", call, to: scaled[i + 1] });
  });
  const units = scaled.map(() => config.sigmaData);
  return edmSampler(config, { name: "edm-euler", begin, sigmas, steps, units });
}

/** DPM-Solver++ multistep at T noise levels of EDM. @throws {RangeError} If the steps are out of range. */
export function makeEdmDpmSolver(
  config: ReturnType<typeof edmDpmConfig>,
  options: StepOptions,
): Sampler {
  const { begin = 0 } = options;
  const sigmas = sigmasOf(config, options, Math.fround(config.ends.min));
  const all = sigmas.map((sigma) =>
    levelOfSigma(sigma / config.sigmaData, quarterLog(sigma))
  );
  const levels = all.slice(begin);
  const calls = all.length - 1;
  const steps = levels.slice(0, -1).map((level, i) =>
    level.noise === levels[i + 1].noise // of the last step, which then does nothing
      ? ownStep(level, { x: 1, prediction: 0 })
      : dpmStep(config, i, { levels, at: begin + i, calls })
  );
  return edmSampler(config, {
    name: "edm-dpm-solver++",
    begin,
    sigmas,
    steps,
    units: levels.map(({ signal }) => config.sigmaData / signal),
  });
}

/** The sigmas of T calls, and the one at which the last step ends: a single one's, if not zero, at `endOfOne`. @throws {RangeError} If the number of steps is out of range. */
function sigmasOf(
  { ends, spacing, finalSigmas }: EdmConfig,
  { steps = 0 }: StepOptions,
  endOfOne?: number,
): number[] {
  checkStepCount(steps, mostSteps);
  const sigmas = steps === 1 && spacing === "exponential"
    ? [Math.fround(ends.min)] // as in diffusers, which spaces from the least up
    : sigmaSpacings[`use_${spacing}_sigmas`](steps, ends).map(Math.fround);
  const end = steps === 1 ? endOfOne ?? sigmas[0] : sigmas[steps - 1];
  return [...sigmas, finalSigmas === "zero" ? 0 : end];
}

/** A sampler on x from steps on other latents, each of which times its unit is x. */
function edmSampler(
  { sign, ends }: EdmConfig,
  { name, begin, sigmas, steps, units }: {
    readonly name: string;
    readonly begin: number;
    readonly sigmas: readonly number[];
    readonly steps: readonly SamplerStep[];
    readonly units: readonly number[];
  },
): Sampler {
  return samplerOf({
    name,
    initNoiseSigma: Math.hypot(ends.max, 1),
    level: { signal: 1, noise: sigmas[begin] },
    steps: steps.map(({ timestep, inputScale, noise, ...step }, i) => ({
      timestep,
      inputScale: inputScale / units[i],
      latents: step.latents.map((c, k) => c * units[i + 1] / units[i - k]),
      predictions: step.predictions.map((c) => sign * c * units[i + 1]),
      noise: noise * units[i + 1],
    })),
  });
}
