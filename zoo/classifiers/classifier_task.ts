/** The training settings that both classifiers share; each has its own pictures and loss. */
import { TorchGenerator } from "@dip-go/core/random";
import {
  type ClassifierConfig,
  initClassifierWeights,
} from "./classifier_network.ts";
import type { TrainingTask } from "../training/trainer.ts";

/** The training task of a classifier. */
export function classifierTask(
  { config, updates, seed, ...own }:
    & { config: ClassifierConfig; updates: number; seed: number }
    & Pick<TrainingTask, "name" | "graph" | "batch">,
): TrainingTask {
  return {
    ...own,
    options: {
      seed,
      updates,
      peakLearningRate: 3e-3,
      warmUp: 50,
      weightDecay: 0.01,
      clip: 1,
      averageDecay: 0.99,
      checkpointEvery: 200,
    },
    initial: initClassifierWeights(config, new TorchGenerator(seed)),
  };
}
