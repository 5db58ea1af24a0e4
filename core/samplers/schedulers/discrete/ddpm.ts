/** DDPM's ancestral sampling (arXiv 2006.11239, section 3.2), as diffusers' `DDPMScheduler` steps it. */
import { noiseConfig } from "../../schedule/noise_config.ts";
import { makeNoiseSchedule } from "../../schedule/noise_schedule.ts";
import {
  interpret,
  levelAfter,
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
import {
  spacingConfig,
  type StepOptions,
  trainingTimesteps,
} from "../../schedule/timesteps.ts";

/** Whether each type is the larger one of the two variances of section 3.2. */
const largeVariances = {
  fixed_small: false,
  fixed_small_log: false,
  fixed_large: true,
};

/** The config of `DDPMScheduler`. @throws As {@linkcode noiseConfig}, and if the config asks for a learned variance. */
export function ddpmConfig(config: SchedulerConfig) {
  const types = Object.keys(largeVariances) as (keyof typeof largeVariances)[];
  const type = config.oneOf("variance_type", types) ?? "fixed_small";
  return {
    ...noiseConfig(config, {
      betaSchedules: ["sigmoid", "laplace"],
      zeroSnr: true,
    }),
    ...spacingConfig(config, "leading"),
    bounds: boundsConfig(config, { clips: true, thresholds: true }),
    hasLargeVariance: largeVariances[type],
  };
}

type DdpmConfig = ReturnType<typeof ddpmConfig>;

/**
 * DDPM at T training timesteps: each step goes to the next timestep, the last
 * to a clean sample; every step adds noise but one at timestep 0.
 *
 * @throws {RangeError} If the steps are out of range, or epsilon cannot be used because a timestep is pure noise.
 */
export function makeDdpm(config: DdpmConfig, options: StepOptions): Sampler {
  const schedule = makeNoiseSchedule(config);
  const timesteps = trainingTimesteps(options, config).slice(options.begin);
  return samplerOf({
    name: "ddpm",
    level: levelAt(schedule, timesteps[0]),
    steps: timesteps.map((timestep, i) =>
      ddpmStep(config, {
        from: levelAt(schedule, timestep),
        to: levelAfter(schedule, timesteps[i + 1] ?? -1, 1),
      })
    ),
  });
}

/** Eq. 7: the posterior's mean and variance, with the beta of the whole jump. */
function ddpmStep(
  config: DdpmConfig,
  { from, to }: { readonly from: NoiseLevel; readonly to: NoiseLevel },
): SamplerStep {
  const { clean } = interpret(config.predictionType, from);
  const alpha = (from.signal / to.signal) ** 2;
  const beta = 1 - alpha;
  const factor = to.signal * beta / from.noise ** 2;
  const own = Math.sqrt(alpha) * (to.noise / from.noise) ** 2;
  const next = mix([factor, clean], [own, { x: 1, prediction: 0 }]);
  const small = beta * (to.noise / from.noise) ** 2;
  const variance = config.hasLargeVariance ? beta : small;
  return ownStep(from, next, {
    noise: from.timestep === 0 ? 0 : Math.sqrt(variance),
    ...clipOf(config.bounds, { clean, factor }),
  });
}
