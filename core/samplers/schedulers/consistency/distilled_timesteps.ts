/** The timesteps of consistency models: some of the timesteps of the solver that they were distilled from. */
import {
  noiseConfig,
  stableDiffusionBetas,
} from "../../schedule/noise_config.ts";
import type { SchedulerConfig } from "../../schedule/scheduler_config.ts";
import {
  checkStepCount,
  chosenTimesteps,
  type StepOptions,
} from "../../schedule/timesteps.ts";

/** Reads the keys of LCM's and TCD's configs. @throws As {@linkcode noiseConfig}, and if the solver had too many steps. */
export function distillationConfig(config: SchedulerConfig) {
  const noise = noiseConfig(config, {
    ...stableDiffusionBetas,
    betaSchedule: "scaled_linear",
    zeroSnr: true,
  });
  const key = "original_inference_steps";
  /** The number of steps of the solver that the model was distilled from. */
  const originalInferenceSteps = config.integer(key, 1) ?? 50;
  if (originalInferenceSteps > noise.numTrainTimesteps) {
    const expected = `at most num_train_timesteps ${noise.numTrainTimesteps}`;
    config.refuse(key, expected, RangeError);
  }
  return { ...noise, originalInferenceSteps };
}

/** The solver that a model was distilled from. */
interface DistilledSolver {
  readonly originalInferenceSteps: number;
  /** The part of the solver's timesteps, in (0, 1], that the first step may lie in; 1 by default. */
  readonly strength?: number;
}

/**
 * The asked timesteps without the first `begin`. For a number of steps they are
 * evenly picked among the solver's timesteps, every k-th of the training's,
 * noisiest first.
 *
 * @throws {RangeError} If the solver has fewer timesteps than steps are asked for, or had more steps than there are timesteps.
 * @throws As {@linkcode chosenTimesteps}.
 */
export function distilledTimesteps(
  options: StepOptions,
  config: { readonly numTrainTimesteps: number },
  { originalInferenceSteps, strength = 1 }: DistilledSolver,
): readonly number[] {
  const { numTrainTimesteps } = config;
  return chosenTimesteps(options, config, (steps) => {
    checkStepCount(originalInferenceSteps, numTrainTimesteps);
    const stride = Math.floor(numTrainTimesteps / originalInferenceSteps);
    const length = Math.trunc(originalInferenceSteps * strength);
    checkStepCount(steps, length);
    return Array.from({ length: steps }, (_, i) => {
      const k = Math.floor(i * (length / steps));
      return (length - k) * stride - 1;
    });
  }).slice(options.begin);
}
