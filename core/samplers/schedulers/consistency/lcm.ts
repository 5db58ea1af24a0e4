/** Multistep consistency sampling of latent consistency models (arXiv 2310.04378, Algorithm 3), as diffusers' `LCMScheduler` steps it. */
import { makeNoiseSchedule } from "../../schedule/noise_schedule.ts";
import {
  interpret,
  levelAt,
  mix,
  type NoiseLevel,
} from "../../schedule/prediction.ts";
import {
  boundsConfig,
  clipOf,
  ownStep,
  type Sampler,
  samplerOf,
  type SamplerStep,
} from "../../sampler.ts";
import type { SchedulerConfig } from "../../schedule/scheduler_config.ts";
import type { StepOptions } from "../../schedule/timesteps.ts";
import {
  distillationConfig,
  distilledTimesteps,
} from "./distilled_timesteps.ts";

/** The config of `LCMScheduler`. @throws As {@linkcode distillationConfig}. */
export const lcmConfig = (config: SchedulerConfig) => ({
  ...distillationConfig(config),
  bounds: boundsConfig(config, { clips: false, thresholds: true }),
  /** The factor on timesteps in the boundary condition. */
  timestepScaling: config.positive("timestep_scaling") ?? 10,
});

type LcmConfig = ReturnType<typeof lcmConfig>;

/** Standard deviation of the data in the boundary condition. */
const dataSigma = 0.5;

/**
 * LCM at T of the distilled solver's timesteps; every step but the last adds noise.
 *
 * @throws {RangeError} If the steps are out of range, or epsilon cannot be used because a timestep is pure noise.
 */
export function makeLcm(config: LcmConfig, options: StepOptions): Sampler {
  const schedule = makeNoiseSchedule(config);
  const { originalInferenceSteps = config.originalInferenceSteps, strength } =
    options;
  const solver = { originalInferenceSteps, strength };
  const levels = distilledTimesteps(options, config, solver)
    .map((t) => levelAt(schedule, t));
  return samplerOf({
    name: "lcm",
    level: levels[0],
    steps: levels.map((from, i) => lcmStep(config, from, levels[i + 1])),
  });
}

/** The consistency function, Eq. 9: c_skip x + c_out clean; noise then leads to the next level, if there is one. */
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
  const clip = clipOf(config.bounds, { clean, factor });
  return ownStep(from, next, { noise, ...clip });
}
