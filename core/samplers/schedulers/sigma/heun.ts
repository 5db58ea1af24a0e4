/** Heun's method, the second-order sampler of EDM (arXiv 2206.00364, Algorithm 1) without churn, as diffusers' `HeunDiscreteScheduler` steps it. */
import { latentsOf, ofCall, stepOf, sum } from "../../linear.ts";
import {
  boundsConfig,
  clipOf,
  type Sampler,
  type SamplerStep,
} from "../../sampler.ts";
import { stableDiffusionBetas } from "../../schedule/noise_config.ts";
import type { SchedulerConfig } from "../../schedule/scheduler_config.ts";
import type { Call } from "../../schedule/sigmas.ts";
import type { StepOptions } from "../../schedule/timesteps.ts";
import {
  readingAt,
  sigmaCalls,
  sigmaClassConfig,
  sigmaSampler,
} from "./sigma_calls.ts";

/** The config of `HeunDiscreteScheduler`. @throws As `noiseConfig`. */
export const heunConfig = (config: SchedulerConfig) => ({
  ...sigmaClassConfig(config, {
    ...stableDiffusionBetas,
    betaSchedules: ["exp"],
  }),
  bounds: boundsConfig(config, { clips: false, thresholds: false }),
});

type HeunConfig = ReturnType<typeof heunConfig>;

/**
 * Heun at T noise levels: two calls of the model a step, one in the last, which
 * ends without noise.
 *
 * @throws {RangeError} If the steps are out of range.
 */
export function makeHeun(config: HeunConfig, options: StepOptions): Sampler {
  const calls = sigmaCalls(config, options);
  const { begin = 0 } = options;
  return sigmaSampler(config, options, {
    name: "heun",
    calls,
    stepsFrom: (from, k) =>
      heunStep(config, 2 * k, [from, calls[begin + k + 1]]),
  });
}

/**
 * From call i on:
 *
 *   x̃ = x + h d(x, sigma),  x' = x + h/2 (d(x, sigma) + d(x̃, sigma'))
 *
 * The second equals (x + x̃)/2 + h/2 d(x̃, sigma'), without earlier
 * predictions.
 */
function heunStep(
  { predictionType, bounds }: HeunConfig,
  i: number,
  [from, to]: readonly [Call, Call | undefined],
): SamplerStep[] {
  const h = (to?.sigma ?? 0) - from.sigma;
  const step = (i: number, call: Call, half: boolean) => {
    const { timestep, sigma } = call;
    const { inputScale, clean, slope } = readingAt(predictionType, call);
    const stride = half ? h / 2 : h;
    const start = half
      ? sum([1 / 2, latentsOf(i)], [1 / 2, latentsOf(i - 1)])
      : latentsOf(i);
    return stepOf(i, {
      timestep,
      inputScale,
      next: sum([1, start], [stride, ofCall(i, slope)]),
      ...clipOf(bounds, { clean, factor: -stride / sigma }),
    });
  };
  return to
    ? [step(i, from, false), step(i + 1, to, true)]
    : [step(i, from, false)];
}
