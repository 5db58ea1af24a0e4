/** Trajectory consistency distillation (arXiv 2402.19159, Algorithm 4: strategic stochastic sampling), as diffusers' `TCDScheduler` steps it. */
import { makeNoiseSchedule } from "../../schedule/noise_schedule.ts";
import {
  interpret,
  levelAt,
  mix,
  type NoiseLevel,
} from "../../schedule/prediction.ts";
import {
  ownStep,
  type Sampler,
  samplerOf,
  type SamplerStep,
} from "../../sampler.ts";
import type { StepOptions } from "../../schedule/timesteps.ts";
import { checkEta } from "../discrete/ddim.ts";
import {
  distillationConfig,
  distilledTimesteps,
} from "./distilled_timesteps.ts";

/** The config of `TCDScheduler`, which ignores clipping and thresholding. @throws As {@linkcode distillationConfig}. */
export const tcdConfig = distillationConfig;

type TcdConfig = ReturnType<typeof tcdConfig>;

/**
 * TCD at T timesteps; the last step ends at training timestep 0.
 *
 * @param options.eta The paper's gamma: how far each step goes past the next timestep before noise leads back to it. 0 by default, as in diffusers' pipelines; the class's own is 0.3.
 *
 * @throws {RangeError} If the steps or eta are out of range, or epsilon cannot be used because a timestep is pure noise.
 */
export function makeTcd(config: TcdConfig, options: StepOptions): Sampler {
  const { eta = 0, originalInferenceSteps } = options;
  checkEta("TCD", eta);
  const schedule = makeNoiseSchedule(config);
  // If asked for at sampling, the solver's steps are all timesteps, whatever the number.
  const solver = originalInferenceSteps === undefined
    ? config
    : { originalInferenceSteps: config.numTrainTimesteps };
  const timesteps = distilledTimesteps(options, config, solver);
  const steps = timesteps.map((timestep, i) => {
    const next = timesteps[i + 1] ?? 0;
    // A float32 product, as torch computes it of integers.
    const past = Math.floor(Math.fround(Math.fround(1 - eta) * next));
    return tcdStep(config, {
      from: levelAt(schedule, timestep),
      past: levelAt(schedule, past),
      to: i === timesteps.length - 1 || eta === 0
        ? undefined
        : levelAt(schedule, next),
    });
  });
  const level = levelAt(schedule, timesteps[0]);
  return samplerOf({ name: "tcd", level, steps });
}

/** A DDIM step to `past`, then noise to reach `to`, if it is given. */
function tcdStep(
  { predictionType }: TcdConfig,
  { from, past, to }: {
    readonly from: NoiseLevel;
    readonly past: NoiseLevel;
    readonly to: NoiseLevel | undefined;
  },
): SamplerStep {
  const { clean, epsilon } = interpret(predictionType, from);
  const kept = to ? to.signal / past.signal : 1;
  const next = mix([kept * past.signal, clean], [kept * past.noise, epsilon]);
  return ownStep(from, next, { noise: to ? Math.sqrt(1 - kept ** 2) : 0 });
}
