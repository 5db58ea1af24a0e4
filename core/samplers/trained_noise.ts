/** The noise that a model was trained with, by training timestep. */
import { isOfEdm, stepsAlongFlow } from "./make_sampler.ts";
import { noiseConfig } from "./schedule/noise_config.ts";
import {
  type Combination,
  interpret,
  levelOfSigma,
} from "./schedule/prediction.ts";
import type { SchedulerConfig } from "./schedule/scheduler_config.ts";
import {
  sigmaOfTimestep,
  timestepOfSigma,
  trainingSigmas,
} from "./schedule/sigmas.ts";

/** Sigma = noise / signal at timesteps, and the noise that predictions imply. */
export interface TrainedNoise {
  /** The sigma at a timestep. */
  sigmaAt(timestep: number): number;
  /** The timestep of a sigma, between two training timesteps if the sigma is. */
  timestepAt(sigma: number): number;
  /** The noise (epsilon) in a model's input, from its prediction at a timestep. */
  epsilonAt(timestep: number): Combination;
}

/**
 * The noise that a config describes; undefined for flow matching and for EDM,
 * which have no betas.
 *
 * @throws {TypeError | RangeError} As `noiseConfig`.
 */
export function trainedNoise(
  config: SchedulerConfig,
): TrainedNoise | undefined {
  if (stepsAlongFlow(config) || isOfEdm(config)) return undefined;
  const noise = noiseConfig(config, { zeroSnr: true });
  const training = trainingSigmas(noise);
  const sigmaAt = (timestep: number) => sigmaOfTimestep(training, timestep);
  return {
    sigmaAt,
    timestepAt: (sigma) => timestepOfSigma(training, sigma),
    epsilonAt(timestep) {
      const level = levelOfSigma(sigmaAt(timestep), timestep);
      return interpret(noise.predictionType, level).epsilon;
    },
  };
}
