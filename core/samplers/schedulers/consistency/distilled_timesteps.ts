/** Where consistency models are sampled: at some of the timesteps of the solver that they were distilled from. */
import {
  noiseConfig,
  stableDiffusionBetas,
} from "../../schedule/noise_config.ts";
import type { SchedulerConfig } from "../../schedule/scheduler_config.ts";
import { checkStepCount } from "../../schedule/timesteps.ts";

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

/**
 * Every k-th timestep, as the distilled solver visited them, noisiest first.
 *
 * @throws {RangeError} If the solver had more steps than there are timesteps.
 */
export function solverTimesteps(
  { numTrainTimesteps, originalInferenceSteps, strength = 1 }: {
    readonly numTrainTimesteps: number;
    readonly originalInferenceSteps: number;
    readonly strength?: number;
  },
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
