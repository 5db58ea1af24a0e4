/** DDPM's ancestral sampling (arXiv 2006.11239, section 3.2), as diffusers' `DDPMScheduler` steps it. */
import { clipOf, refuseThresholding } from "../schedule/clipping.ts";
import { makeNoiseSchedule } from "../schedule/noise_schedule.ts";
import {
  interpret,
  levelAfter,
  levelAt,
  mix,
  type NoiseLevel,
} from "../schedule/prediction.ts";
import { type Sampler, samplerOf, type SamplerStep } from "../sampler.ts";
import type { SchedulerConfig } from "../schedule/scheduler_config.ts";
import { leadingTimesteps } from "../schedule/timesteps.ts";

/**
 * DDPM at T of the training timesteps; every step adds noise but one at timestep 0.
 *
 * @throws {TypeError} If the config asks for thresholding or a learned variance.
 * @throws {RangeError} If the steps are out of range, or epsilon cannot be used because a timestep is pure noise.
 */
export function makeDdpm(
  config: SchedulerConfig,
  { steps }: { readonly steps: number },
): Sampler {
  refuseThresholding(config, "DDPM");
  const schedule = makeNoiseSchedule(config);
  const stride = Math.floor(config.numTrainTimesteps / steps);
  return samplerOf({
    name: "ddpm",
    steps: leadingTimesteps(config, steps).map((timestep) => {
      const previous = timestep - stride;
      return ddpmStep(config, {
        from: levelAt(schedule, timestep),
        to: levelAfter(schedule, previous, 1),
      });
    }),
  });
}

/** Eq. 7, the posterior's mean and variance, with beta that of the whole jump. */
function ddpmStep(
  config: SchedulerConfig,
  { from, to }: { readonly from: NoiseLevel; readonly to: NoiseLevel },
): SamplerStep {
  const { clean } = interpret(config.predictionType, from);
  const alpha = (from.signal / to.signal) ** 2;
  const beta = 1 - alpha;
  const factor = to.signal * beta / from.noise ** 2;
  const own = Math.sqrt(alpha) * (to.noise / from.noise) ** 2;
  const next = mix([factor, clean], [own, { x: 1, prediction: 0 }]);
  const small = beta * (to.noise / from.noise) ** 2;
  const variance = isLarge(config) ? beta : small;
  return {
    timestep: from.timestep,
    inputScale: 1,
    latents: [next.x],
    predictions: [next.prediction],
    noise: from.timestep === 0 ? 0 : Math.sqrt(variance),
    ...clipOf(config, { byDefault: true, clean, factor }),
  };
}

/** Which of the two variances of section 3.2. */
function isLarge({ varianceType = "fixed_small" }: SchedulerConfig): boolean {
  switch (varianceType) {
    case "fixed_small":
    case "fixed_small_log":
      return false;
    case "fixed_large":
      return true;
  }
  throw new TypeError(
    `Cannot make DDPM: variance_type is ${varianceType}, expected fixed_small, fixed_small_log or fixed_large`,
  );
}
