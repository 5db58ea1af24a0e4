/** Multistep consistency sampling of latent consistency models (arXiv 2310.04378, Algorithm 3), as diffusers' `LCMScheduler` steps it. */
import { clipOf, refuseThresholding } from "../schedule/clipping.ts";
import { makeNoiseSchedule } from "../schedule/noise_schedule.ts";
import {
  interpret,
  levelAt,
  mix,
  type NoiseLevel,
} from "../schedule/prediction.ts";
import { type Sampler, samplerOf, type SamplerStep } from "../sampler.ts";
import type { SchedulerConfig } from "../schedule/scheduler_config.ts";
import { checkStepCount } from "../schedule/timesteps.ts";

/** Standard deviation of the data in the boundary condition. */
const dataSigma = 0.5;

/**
 * LCM at T of the distilled solver's timesteps; every step but the last adds noise.
 *
 * @throws {TypeError} If the config asks for thresholding.
 * @throws {RangeError} If the steps are out of range, or epsilon cannot be used because a timestep is pure noise.
 */
export function makeLcm(
  config: SchedulerConfig,
  { steps }: { readonly steps: number },
): Sampler {
  refuseThresholding(config, "LCM");
  const schedule = makeNoiseSchedule(config);
  const levels = timestepsOf(config, steps).map((t) => levelAt(schedule, t));
  return samplerOf({
    name: "lcm",
    steps: levels.map((from, i) => lcmStep(config, from, levels[i + 1])),
  });
}

/** The consistency function, Eq. 9: c_skip x + c_out clean; then noise is added to reach the next level, if there is one. */
function lcmStep(
  config: SchedulerConfig,
  from: NoiseLevel,
  to: NoiseLevel | undefined,
): SamplerStep {
  const { clean } = interpret(config.predictionType, from);
  const t = from.timestep * config.timestepScaling;
  const norm = t ** 2 + dataSigma ** 2;
  const [cSkip, cOut] = [dataSigma ** 2 / norm, t / Math.sqrt(norm)];
  const { signal, noise } = to ?? { signal: 1, noise: 0 };
  const factor = signal * cOut;
  const next = mix([factor, clean], [signal * cSkip, { x: 1, prediction: 0 }]);
  return {
    timestep: from.timestep,
    inputScale: 1,
    latents: [next.x],
    predictions: [next.prediction],
    noise,
    ...clipOf(config, { byDefault: false, clean, factor }),
  };
}

/** Evenly picked among the timesteps that the model was distilled at, noisiest first. */
function timestepsOf(
  { numTrainTimesteps, originalInferenceSteps }: SchedulerConfig,
  steps: number,
): number[] {
  if (originalInferenceSteps > numTrainTimesteps) {
    throw new RangeError(
      `Cannot make LCM: original_inference_steps is ${originalInferenceSteps}, expected at most num_train_timesteps ${numTrainTimesteps}`,
    );
  }
  checkStepCount(steps, originalInferenceSteps);
  const stride = Math.floor(numTrainTimesteps / originalInferenceSteps);
  return Array.from({ length: steps }, (_, i) => {
    const skipped = Math.floor(i * originalInferenceSteps / steps);
    return (originalInferenceSteps - skipped) * stride - 1;
  });
}
