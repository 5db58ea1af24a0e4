/** A linear multistep method in sigma, of k-diffusion's `sample_lms`: Adams and Bashforth's, at uneven steps. As diffusers' `LMSDiscreteScheduler` steps it. */
import { latentsOf, ofCall, stepOf, sum } from "../../linear.ts";
import type { Sampler } from "../../sampler.ts";
import type { SchedulerConfig } from "../../schedule/scheduler_config.ts";
import type { StepOptions } from "../../schedule/timesteps.ts";
import { integral, lagrangeBasis } from "../lagrange.ts";
import {
  readingAt,
  sigmaCalls,
  sigmaClassConfig,
  sigmaSampler,
} from "./sigma_calls.ts";

/** The config of `LMSDiscreteScheduler`. @throws As `noiseConfig`. */
export function lmsConfig(config: SchedulerConfig) {
  const own = sigmaClassConfig(config, {});
  // In this class alone Karras' spacing always has the timesteps' own ends.
  return own.spacing === "use_karras_sigmas"
    ? { ...own, sigmaMin: undefined, sigmaMax: undefined }
    : own;
}

/** The most slopes that a step reads. */
const most = 4;

/** LMS at T noise levels; its memory is three steps. @throws {RangeError} If the steps are out of range. */
export function makeLms(
  config: ReturnType<typeof lmsConfig>,
  options: StepOptions,
): Sampler {
  const { begin = 0 } = options;
  const calls = sigmaCalls(config, options);
  const readings = calls.map((call) => readingAt(config.predictionType, call));
  return sigmaSampler(config, options, {
    name: "lms",
    calls,
    stepsFrom({ timestep, sigma }, i, to) {
      // ∫ of the polynomial through the last slopes; missing ones before `begin` count, as in diffusers.
      const at = begin + i;
      const order = Math.min(at + 1, most);
      const nodes = calls.slice(at + 1 - order, at + 1).reverse()
        .map((call) => call.sigma - sigma);
      const terms = lagrangeBasis(nodes).slice(0, i + 1).map((p, k) =>
        [
          integral(p, 0, to - sigma),
          ofCall(i - k, readings[at - k].slope),
        ] as const
      );
      return stepOf(i, {
        timestep,
        inputScale: readings[at].inputScale,
        next: sum([1, latentsOf(i)], ...terms),
      });
    },
  });
}
