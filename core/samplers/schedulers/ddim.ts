/** DDIM (arXiv 2010.02502), as diffusers' `DDIMScheduler` steps it. */
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
import { checkTimesteps, leadingTimesteps } from "../schedule/timesteps.ts";

/** How many timesteps, or which: exactly one of the two. */
export interface DdimOptions {
  /** T, spaced as the config says. */
  readonly steps?: number;
  /** Training timesteps, strictly descending; each step goes to the next of them, the last to the final alpha. */
  readonly timesteps?: readonly number[];
  /** Eq. 16: 0, the default, is deterministic; 1 has DDPM's variance. */
  readonly eta?: number;
}

/**
 * DDIM bound to a config and its timesteps; without memory.
 *
 * @throws {TypeError} If not exactly one of `steps` and `timesteps` is given, or the config asks for thresholding.
 * @throws {RangeError} If the steps, timesteps or eta are out of range, or epsilon cannot be used because a timestep is pure noise.
 */
export function makeDdim(
  config: SchedulerConfig,
  options: DdimOptions,
): Sampler {
  const { eta = 0 } = options;
  refuseThresholding(config, "DDIM");
  if (!(eta >= 0 && eta <= 1)) {
    throw new RangeError(`Cannot make DDIM: eta is ${eta}, expected 0 to 1`);
  }
  const schedule = makeNoiseSchedule(config);
  const finalAlpha = (config.setAlphaToOne ?? true)
    ? 1
    : schedule.alphasCumprod[0];
  const steps = makeTransitions(config, options).map(({ timestep, previous }) =>
    ddimStep(config, {
      from: levelAt(schedule, timestep),
      to: levelAfter(schedule, previous, finalAlpha),
      eta,
    })
  );
  return samplerOf({ name: "ddim", steps });
}

/** From one timestep to the next; a negative one stands for the end of sampling. */
interface Transition {
  readonly timestep: number;
  readonly previous: number;
}

function makeTransitions(
  config: SchedulerConfig,
  { steps, timesteps }: DdimOptions,
): Transition[] {
  const { numTrainTimesteps } = config;
  if (timesteps && steps === undefined) {
    checkTimesteps(timesteps, numTrainTimesteps);
    return timesteps.map((timestep, i) => ({
      timestep,
      previous: timesteps[i + 1] ?? -1,
    }));
  }
  if (steps === undefined || timesteps) {
    throw new TypeError(
      "Cannot make DDIM: expected exactly one of steps and timesteps",
    );
  }
  // diffusers subtracts a constant stride, also where the spacing is uneven.
  const stride = Math.floor(numTrainTimesteps / steps);
  return leadingTimesteps(config, steps)
    .map((timestep) => ({ timestep, previous: timestep - stride }));
}

/** Eq. 12 and 16: signal' clean + sqrt(noise'² − sigma²) epsilon + sigma · fresh noise. */
function ddimStep(
  config: SchedulerConfig,
  { from, to, eta }: {
    readonly from: NoiseLevel;
    readonly to: NoiseLevel;
    readonly eta: number;
  },
): SamplerStep {
  const { clean, epsilon } = interpret(config.predictionType, from);
  const variance = (to.noise / from.noise) ** 2 *
    (1 - (from.signal / to.signal) ** 2);
  const sigma = eta * Math.sqrt(Math.max(0, variance)); // 0 up to rounding where levels are equal
  const direction = Math.sqrt(Math.max(0, to.noise ** 2 - sigma ** 2));
  const next = mix([to.signal, clean], [direction, epsilon]);
  return {
    timestep: from.timestep,
    inputScale: 1,
    latents: [next.x],
    predictions: [next.prediction],
    noise: sigma,
    ...clipOf(config, { byDefault: true, clean, factor: to.signal }),
  };
}
