/** Ancestral sampling with Euler's method, of k-diffusion's `sample_euler_ancestral`: each step goes below the next sigma, then noise leads back up to it. As diffusers' `EulerAncestralDiscreteScheduler` steps it. */
import type { Sampler } from "../../sampler.ts";
import type { SchedulerConfig } from "../../schedule/scheduler_config.ts";
import type { StepOptions } from "../../schedule/timesteps.ts";
import { eulerStep, sigmaClassConfig, sigmaSampler } from "./sigma_calls.ts";

/** The config of `EulerAncestralDiscreteScheduler`. @throws As `noiseConfig`. */
export const eulerAncestralConfig = (config: SchedulerConfig) =>
  sigmaClassConfig(config, {
    known: [],
    predictionTypes: ["epsilon", "v_prediction"],
    zeroSnr: true,
  });

/**
 * Splits a step from sigma to the next: down to `down` without noise, then up
 * by `up` of fresh noise, with down² + up² = next² and the variance up² of
 * DDPM's posterior. In float32 as in diffusers: if sigma is far above the next
 * one, little of `down` is left.
 */
export function ancestralSplit(
  sigma: number,
  next: number,
): { down: number; up: number } {
  const round = Math.fround;
  const [from, to] = [round(sigma ** 2), round(next ** 2)];
  const up = round(Math.sqrt(round(round(to * round(from - to)) / from)));
  const down = round(Math.sqrt(round(to - round(up ** 2))));
  return { up, down };
}

/**
 * Euler ancestral at T noise levels; all steps but the last add noise.
 *
 * @throws {RangeError} If the steps are out of range.
 */
export function makeEulerAncestral(
  config: ReturnType<typeof eulerAncestralConfig>,
  options: StepOptions,
): Sampler {
  return sigmaSampler(config, options, {
    name: "euler-ancestral",
    stepsFrom(call, i, to) {
      const { down, up } = ancestralSplit(call.sigma, to);
      const kind = config.predictionType;
      return eulerStep(i, { kind, call, to: down, noise: up });
    },
  });
}
