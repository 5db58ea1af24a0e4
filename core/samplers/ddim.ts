/**
 * DDIM (arXiv 2010.02502), as diffusers' `DDIMScheduler` steps it. A step is a
 * pure function of x and the prediction: without clipping it is linear, and
 * its coefficients are worked out once, in float64.
 */
import { makeNoiseSchedule } from "./noise_schedule.ts";
import type { Sampler, StepCotangents } from "./sampler.ts";
import type { PredictionType, SchedulerConfig } from "./scheduler_config.ts";
import { checkTimesteps, spacedTimesteps } from "./timesteps.ts";

/** How many timesteps, or which: exactly one of the two. */
export interface DdimOptions {
  /** T, spaced as the config says. */
  readonly steps?: number;
  /** Training timesteps, strictly descending; each step goes to the next of them, the last to the final alpha. */
  readonly timesteps?: readonly number[];
  /** Eq. 16: 0, the default, is deterministic; 1 has DDPM's variance. */
  readonly eta?: number;
}

/** The factors of one linear step: x_next = x · latents + prediction · model output + noise · noise. */
export interface LinearStep {
  readonly x: number;
  readonly prediction: number;
  readonly noise: number;
}

/** DDIM: a sampler without history, linear where it does not clip. */
export interface DdimSampler extends Sampler {
  /**
   * The factors of step `i`.
   *
   * @throws {RangeError} If `i` is no step.
   * @throws {TypeError} If the config clips samples: the step is not linear then.
   */
  coefficients(i: number): LinearStep;
}

/** A combination of x and the model's prediction. */
interface Combination {
  readonly x: number;
  readonly prediction: number;
}

/** One step, Eq. 12: x_next = cleanFactor · clean + directionFactor · epsilon + noiseFactor · noise. */
interface StepPlan {
  readonly clean: Combination;
  readonly epsilon: Combination;
  readonly cleanFactor: number;
  readonly directionFactor: number;
  readonly noiseFactor: number;
}

/**
 * DDIM bound to a config and its timesteps.
 *
 * @throws {TypeError} If not exactly one of `steps` and `timesteps` is given, or the config asks for thresholding.
 * @throws {RangeError} If the steps, timesteps or eta are out of range, or epsilon cannot be used because a timestep is pure noise.
 */
export function makeDdim(
  config: SchedulerConfig,
  options: DdimOptions,
): DdimSampler {
  if (config.thresholding) {
    throw new TypeError(
      "Cannot make DDIM: thresholding is true, expected false (not supported)",
    );
  }
  const transitions = makeTransitions(config, options);
  const plans = planSteps(config, { transitions, eta: options.eta ?? 0 });
  const limit = (config.clipSample ?? true) ? config.clipSampleRange : Infinity;

  return {
    name: "ddim",
    timesteps: transitions.map(({ timestep }) => timestep),
    initNoiseSigma: 1,
    step(i, x, prediction, noise) {
      const plan = planAt(plans, i);
      checkLengths("step", { x, prediction, noise: noise ?? x });
      const next = stepWithoutNoise(plan, { x, prediction, limit });
      if (plan.noiseFactor === 0) return next;
      if (!noise) {
        throw new TypeError(
          `Cannot step DDIM: step ${i} adds noise and none is given`,
        );
      }
      return next.map((value, j) => value + plan.noiseFactor * noise[j]);
    },
    stepVjp(i, cotangent, { x, prediction }) {
      const plan = planAt(plans, i);
      checkLengths("differentiate", { x, prediction, cotangent });
      return vjpOfPlan(plan, { x, prediction, cotangent, limit });
    },
    coefficients(i) {
      const plan = planAt(plans, i);
      if (limit !== Infinity) {
        throw new TypeError(
          "Cannot give DDIM's coefficients: clip_sample is true, which makes a step non-linear",
        );
      }
      return { ...linearStep(plan), noise: plan.noiseFactor };
    },
  };
}

/** From one timestep to the next; a negative one stands for the end of sampling. */
interface Transition {
  readonly timestep: number;
  readonly previous: number;
}

function makeTransitions(
  config: SchedulerConfig,
  { steps, timesteps }: DdimOptions,
): Transition[] {
  const { numTrainTimesteps, stepsOffset } = config;
  if (timesteps && steps === undefined) {
    checkTimesteps(timesteps, numTrainTimesteps);
    return timesteps.map((timestep, i) => ({
      timestep,
      previous: timesteps[i + 1] ?? -1,
    }));
  }
  if (steps === undefined || timesteps) {
    throw new TypeError(
      "Cannot make DDIM: expected exactly one of steps and timesteps",
    );
  }
  const spacing = config.timestepSpacing ?? "leading";
  // diffusers subtracts a constant stride, also where the spacing is uneven.
  const stride = Math.floor(numTrainTimesteps / steps);
  return spacedTimesteps(steps, { spacing, numTrainTimesteps, stepsOffset })
    .map((timestep) => ({ timestep, previous: timestep - stride }));
}

function planSteps(
  config: SchedulerConfig,
  { transitions, eta }: {
    readonly transitions: readonly Transition[];
    readonly eta: number;
  },
): StepPlan[] {
  if (!(eta >= 0 && eta <= 1)) {
    throw new RangeError(`Cannot make DDIM: eta is ${eta}, expected 0 to 1`);
  }
  const { alphasCumprod } = makeNoiseSchedule(config);
  const finalAlpha = (config.setAlphaToOne ?? true) ? 1 : alphasCumprod[0];
  return transitions.map(({ timestep, previous }) => {
    const alpha = alphasCumprod[timestep];
    if (alpha === 0 && config.predictionType === "epsilon") {
      throw new RangeError(
        `Cannot make DDIM: timestep ${timestep} is pure noise, which an epsilon prediction cannot leave; expected another prediction_type or no rescale_betas_zero_snr`,
      );
    }
    const alphaNext = previous >= 0 ? alphasCumprod[previous] : finalAlpha;
    return planStep({ alpha, alphaNext, eta, kind: config.predictionType });
  });
}

/** Eq. 12 and 16, with alpha the paper's (cumulative) alpha. */
function planStep({ alpha, alphaNext, eta, kind }: {
  readonly alpha: number;
  readonly alphaNext: number;
  readonly eta: number;
  readonly kind: PredictionType;
}): StepPlan {
  const variance = (1 - alphaNext) / (1 - alpha) * (1 - alpha / alphaNext);
  const sigma = eta * Math.sqrt(Math.max(0, variance)); // 0 up to rounding where alphas are equal
  return {
    ...interpret(kind, alpha),
    cleanFactor: Math.sqrt(alphaNext),
    directionFactor: Math.sqrt(Math.max(0, 1 - alphaNext - sigma ** 2)),
    noiseFactor: sigma,
  };
}

/** The clean sample and epsilon that a prediction stands for, from x = sqrt(alpha) clean + sqrt(1 - alpha) epsilon. */
function interpret(
  kind: PredictionType,
  alpha: number,
): { clean: Combination; epsilon: Combination } {
  const a = Math.sqrt(alpha);
  const b = Math.sqrt(1 - alpha);
  const prediction = { x: 0, prediction: 1 };
  switch (kind) {
    case "epsilon":
      return { clean: { x: 1 / a, prediction: -b / a }, epsilon: prediction };
    case "sample":
      return { clean: prediction, epsilon: { x: 1 / b, prediction: -a / b } };
    case "v_prediction":
      return {
        clean: { x: a, prediction: -b },
        epsilon: { x: b, prediction: a },
      };
  }
}

/** The factors of a step in which nothing is clipped. */
function linearStep(plan: StepPlan): Combination {
  const { clean, epsilon, cleanFactor, directionFactor } = plan;
  return {
    x: cleanFactor * clean.x + directionFactor * epsilon.x,
    prediction: cleanFactor * clean.prediction +
      directionFactor * epsilon.prediction,
  };
}

function stepWithoutNoise(
  plan: StepPlan,
  { x, prediction, limit }: {
    readonly x: Float32Array;
    readonly prediction: Float32Array;
    readonly limit: number;
  },
): Float32Array {
  const linear = linearStep(plan);
  const { clean, cleanFactor } = plan;
  return x.map((value, j) => {
    const next = linear.x * value + linear.prediction * prediction[j];
    if (limit === Infinity) return next;
    const x0 = clean.x * value + clean.prediction * prediction[j];
    const clipped = Math.max(-limit, Math.min(limit, x0));
    return next + cleanFactor * (clipped - x0); // epsilon is not clipped
  });
}

/** Where the clean sample is clipped, only epsilon carries a gradient. */
function vjpOfPlan(
  plan: StepPlan,
  { x, prediction, cotangent, limit }: {
    readonly x: Float32Array;
    readonly prediction: Float32Array;
    readonly cotangent: Float32Array;
    readonly limit: number;
  },
): StepCotangents {
  const { clean } = plan;
  const open = linearStep(plan);
  const clipped = linearStep({ ...plan, cleanFactor: 0 });
  const isClipped = (j: number) =>
    Math.abs(clean.x * x[j] + clean.prediction * prediction[j]) > limit;
  const through = (key: keyof Combination) =>
    cotangent.map((c, j) =>
      c * (limit < Infinity && isClipped(j) ? clipped : open)[key]
    );
  return { x: through("x"), prediction: through("prediction") };
}

function planAt(plans: readonly StepPlan[], i: number): StepPlan {
  const plan = plans[i];
  if (plan) return plan;
  throw new RangeError(
    `Cannot step DDIM: step is ${i}, expected an integer from 0 to ${
      plans.length - 1
    }`,
  );
}

function checkLengths(
  action: string,
  arrays: { readonly x: Float32Array } & Record<string, Float32Array>,
) {
  for (const [name, { length }] of Object.entries(arrays)) {
    if (length !== arrays.x.length) {
      throw new RangeError(
        `Cannot ${action} DDIM: ${name} has ${length} elements, expected ${arrays.x.length} as x`,
      );
    }
  }
}
