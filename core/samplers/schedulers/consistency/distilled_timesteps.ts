/** Where consistency models are sampled: at some of the timesteps of the solver that they were distilled from. */
import {
  noiseConfig,
  stableDiffusionBetas,
} from "../../schedule/noise_config.ts";
import type { SchedulerConfig } from "../../schedule/scheduler_config.ts";
import { checkStepCount, type StepOptions } from "../../schedule/timesteps.ts";

/** The keys of both classes. @throws As {@linkcode noiseConfig}, and if the solver had more steps than there are timesteps. */
export function distillationConfig(config: SchedulerConfig) {
  const noise = noiseConfig(config, {
    ...stableDiffusionBetas,
    betaSchedule: "scaled_linear",
    zeroSnr: true,
  });
  const key = "original_inference_steps";
  /** Steps of the solver that the model was distilled from. */
  const originalInferenceSteps = config.integer(key, 1) ?? 50;
  if (originalInferenceSteps > noise.numTrainTimesteps) {
    const expected = `at most num_train_timesteps ${noise.numTrainTimesteps}`;
    config.refuse(key, expected, RangeError);
  }
  return { ...noise, originalInferenceSteps };
}

/** How a consistency model is sampled. */
export interface DistilledOptions extends StepOptions {
  /** In place of the config's `original_inference_steps`. */
  readonly originalInferenceSteps?: number;
  /** The part of its timesteps, in (0, 1], that the first step may lie in; 1 by default. */
  readonly strength?: number;
}

/**
 * Every k-th timestep, as the distilled solver visited them, noisiest first.
 *
 * @throws {RangeError} If the solver had more steps than there are timesteps.
 */
export function solverTimesteps(
  { numTrainTimesteps, originalInferenceSteps, strength = 1 }:
    & Required<Pick<DistilledOptions, "originalInferenceSteps">>
    & Pick<DistilledOptions, "strength">
    & { readonly numTrainTimesteps: number },
): number[] {
  checkStepCount(originalInferenceSteps, numTrainTimesteps);
  const stride = Math.floor(numTrainTimesteps / originalInferenceSteps);
  const length = Math.trunc(originalInferenceSteps * strength);
  return Array.from({ length }, (_, k) => (length - k) * stride - 1);
}

/** T of these, evenly picked. @throws {RangeError} If there are fewer. */
export function evenlyPicked(
  steps: number,
  timesteps: readonly number[],
): number[] {
  checkStepCount(steps, timesteps.length);
  const stride = timesteps.length / steps;
  return Array.from(
    { length: steps },
    (_, i) => timesteps[Math.floor(i * stride)],
  );
}
