/** Multistep consistency sampling of latent consistency models (arXiv 2310.04378, Algorithm 3), as diffusers' `LCMScheduler` steps it. */
import {
  makeNoiseSchedule,
  noiseConfig,
} from "../../schedule/noise_schedule.ts";
import {
  interpret,
  levelAt,
  mix,
  type NoiseLevel,
} from "../../schedule/prediction.ts";
import {
  clipOf,
  type Sampler,
  samplerOf,
  type SamplerStep,
} from "../../sampler.ts";
import type { SchedulerConfig } from "../../schedule/scheduler_config.ts";
import { checkStepCount } from "../../schedule/timesteps.ts";

/** The config of `LCMScheduler`. @throws As {@linkcode noiseConfig}, and if it asks for thresholding or more distilled steps than timesteps. */
export function lcmConfig(config: SchedulerConfig) {
  const noise = noiseConfig(config);
  const key = "original_inference_steps";
  /** Steps of the solver that the model was distilled from. */
  const originalInferenceSteps = config.integer(key, 1) ?? 50;
  if (originalInferenceSteps > noise.numTrainTimesteps) {
    const expected = `at most num_train_timesteps ${noise.numTrainTimesteps}`;
    config.refuse(key, expected, RangeError);
  }
  return {
    ...noise,
    ...config.clipping(false),
    originalInferenceSteps,
    /** The factor on timesteps in the boundary condition. */
    timestepScaling: config.positive("timestep_scaling") ?? 10,
  };
}

type LcmConfig = ReturnType<typeof lcmConfig>;

/** Standard deviation of the data in the boundary condition. */
const dataSigma = 0.5;

/**
 * LCM at T of the distilled solver's timesteps; every step but the last adds noise.
 *
 * @throws {RangeError} If the steps are out of range, or epsilon cannot be used because a timestep is pure noise.
 */
export function makeLcm(
  config: LcmConfig,
  { steps }: { readonly steps: number },
): Sampler {
  const schedule = makeNoiseSchedule(config);
  const levels = timestepsOf(config, steps).map((t) => levelAt(schedule, t));
  return samplerOf({
    name: "lcm",
    steps: levels.map((from, i) => lcmStep(config, from, levels[i + 1])),
  });
}

/** The consistency function, Eq. 9: c_skip x + c_out clean; then noise is added to reach the next level, if there is one. */
function lcmStep(
  config: LcmConfig,
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
    ...clipOf(config.clipLimit, { clean, factor }),
  };
}

/** Evenly picked among the timesteps that the model was distilled at, noisiest first. */
function timestepsOf(
  { numTrainTimesteps, originalInferenceSteps }: LcmConfig,
  steps: number,
): number[] {
  checkStepCount(steps, originalInferenceSteps);
  const stride = Math.floor(numTrainTimesteps / originalInferenceSteps);
  return Array.from({ length: steps }, (_, i) => {
    const skipped = Math.floor(i * originalInferenceSteps / steps);
    return (originalInferenceSteps - skipped) * stride - 1;
  });
}
