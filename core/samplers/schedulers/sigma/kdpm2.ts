/**
 * DPM-Solver-2 in sigma, of k-diffusion's `sample_dpm_2` and
 * `sample_dpm_2_ancestral`: a midpoint method whose midpoint is geometric
 * (arXiv 2206.00927, Algorithm 1; 2206.00364, Algorithm 2 is its kin). As
 * diffusers' `KDPM2DiscreteScheduler` and `KDPM2AncestralDiscreteScheduler`
 * step it.
 */
import { latentsOf, ofCall, stepOf, sum } from "../../linear.ts";
import type { Sampler, SamplerStep } from "../../sampler.ts";
import { stableDiffusionBetas } from "../../schedule/noise_config.ts";
import type { SchedulerConfig } from "../../schedule/scheduler_config.ts";
import {
  type Call,
  type TrainingSigmas,
  trainingSigmas,
} from "../../schedule/sigmas.ts";
import { roundHalfEven } from "../../../tensor/rounding.ts";
import type { StepOptions } from "../../schedule/timesteps.ts";
import { ancestralSplit } from "./euler_ancestral.ts";
import {
  callAt,
  readingAt,
  sigmaClassConfig,
  sigmaSampler,
} from "./sigma_calls.ts";

/** The config of both classes. @param isAncestral Whether steps overshoot and noise leads back. @throws As `noiseConfig`. */
export const kdpm2Config = (config: SchedulerConfig, isAncestral = false) => ({
  ...sigmaClassConfig(config, {
    ...stableDiffusionBetas,
    predictionTypes: ["epsilon", "v_prediction"],
  }),
  isAncestral,
});

type Kdpm2Config = ReturnType<typeof kdpm2Config>;

/** KDPM2 at T noise levels: two calls of the model a step, one in the last. @throws {RangeError} If the steps are out of range. */
export function makeKdpm2(config: Kdpm2Config, options: StepOptions): Sampler {
  const training = trainingSigmas(config);
  const { predictionType, spacing, isAncestral } = config;
  return sigmaSampler(config, options, {
    name: isAncestral ? "kdpm2-ancestral" : "kdpm2",
    stepsFrom(call, k, next) {
      const from = spacing === "use_karras_sigmas"
        ? { ...call, timestep: roundHalfEven(call.timestep) }
        : call;
      const split = isAncestral
        ? ancestralSplit(from.sigma, next)
        : { down: next, up: 0 };
      return kdpm2Step({ predictionType, training }, 2 * k, { from, ...split });
    },
  });
}

/**
 * From call i on, to sigma `down` by way of their geometric mean, then up:
 *
 *   x̃ = x + (√(sigma down) − sigma) d(x),  x' = x + (down − sigma) d(x̃) + up · noise
 *
 * A step to 0 is Euler's.
 */
function kdpm2Step(
  { predictionType, training }: Pick<Kdpm2Config, "predictionType"> & {
    readonly training: TrainingSigmas;
  },
  i: number,
  { from, down, up }: {
    readonly from: Call;
    readonly down: number;
    readonly up: number;
  },
): SamplerStep[] {
  const middle = Math.fround(Math.sqrt(from.sigma * down));
  const step = (i: number, call: Call, h: number) => {
    const { inputScale, slope } = readingAt(predictionType, call);
    const isSecond = call !== from;
    return stepOf(i, {
      timestep: call.timestep,
      inputScale,
      next: sum([1, latentsOf(isSecond ? i - 1 : i)], [h, ofCall(i, slope)]),
      noise: isSecond ? up : 0,
    });
  };
  const first = step(i, from, middle - from.sigma);
  return middle === 0
    ? [first]
    : [first, step(i + 1, callAt(training, middle), down - from.sigma)];
}
