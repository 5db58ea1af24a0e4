/** DDIM (arXiv 2010.02502), as diffusers' `DDIMScheduler` steps it. */
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

/** The config of `DDIMScheduler`. @throws As {@linkcode noiseConfig}. */
export const ddimConfig = (config: SchedulerConfig) => ({
  ...noiseConfig(config, { zeroSnr: true }),
  ...spacingConfig(config, "leading"),
  bounds: boundsConfig(config, { clips: true, thresholds: true }),
  /** Whether the last step goes to a clean sample (alpha 1) rather than to training timestep 0. */
  setAlphaToOne: config.boolean("set_alpha_to_one") ?? true,
});

type DdimConfig = ReturnType<typeof ddimConfig>;

/**
 * DDIM at a config's timesteps, without memory. In a list, each step goes to
 * the next timestep, the last to the final alpha.
 *
 * @param options.eta Eq. 16: 0, the default, is deterministic; 1 has DDPM's variance.
 * @throws {RangeError} If the steps, timesteps or eta are out of range, or epsilon cannot be used because a timestep is pure noise.
 */
export function makeDdim(config: DdimConfig, options: StepOptions): Sampler {
  const { eta = 0, begin = 0, timesteps: listed } = options;
  checkEta("DDIM", eta);
  const schedule = makeNoiseSchedule(config);
  const finalAlpha = config.setAlphaToOne ? 1 : schedule.alphasCumprod[0];
  const timesteps = trainingTimesteps(options, config);
  // diffusers subtracts a constant stride, even if the spacing is uneven.
  const stride = Math.floor(config.numTrainTimesteps / timesteps.length);
  const steps = timesteps.map((timestep, i) => {
    const next = listed ? listed[i + 1] ?? -1 : timestep - stride;
    return ddimStep(config, {
      from: levelAt(schedule, timestep),
      to: levelAfter(schedule, next, finalAlpha),
      eta,
    });
  });
  const level = levelAt(schedule, timesteps[begin]);
  return samplerOf({ name: "ddim", level, steps: steps.slice(begin) });
}

/** @throws {RangeError} If eta is not from 0 to 1. */
export function checkEta(name: string, eta: number): void {
  if (eta >= 0 && eta <= 1) return;
  throw new RangeError(`Cannot make ${name}: eta is ${eta}, expected 0 to 1`);
}

/** Eq. 12 and 16: signal' clean + sqrt(noise'² − sigma²) epsilon + sigma · fresh noise. */
function ddimStep(
  config: DdimConfig,
  { from, to, eta }: {
    readonly from: NoiseLevel;
    readonly to: NoiseLevel;
    readonly eta: number;
  },
): SamplerStep {
  const { clean, epsilon } = interpret(config.predictionType, from);
  const variance = (to.noise / from.noise) ** 2 *
    (1 - (from.signal / to.signal) ** 2);
  const sigma = eta * Math.sqrt(Math.max(0, variance)); // 0 up to rounding if levels are equal
  const direction = Math.sqrt(Math.max(0, to.noise ** 2 - sigma ** 2));
  const next = mix([to.signal, clean], [direction, epsilon]);
  const clip = clipOf(config.bounds, { clean, factor: to.signal });
  return ownStep(from, next, { noise: sigma, ...clip });
}
