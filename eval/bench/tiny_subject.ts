/** For tests: a DiT that is sampled in milliseconds, with random weights. */
import { ditBlockGraph } from "../../core/models/dit.ts";
import { randomWeights } from "../../core/models/random_weights.ts";
import { parseSchedulerConfig } from "../../core/samplers/scheduler_config.ts";
import { type Subject, subjectOf } from "./subjects.ts";

const config = {
  sampleSize: 8,
  patchSize: 2,
  inChannels: 3,
  outChannels: 3,
  layers: 6,
  heads: 2,
  headWidth: 8,
  classes: 4,
  normEpsilon: 1e-5,
};

/** One guided 8x8 picture, 6 blocks, 12 sublayers. */
export function tinySubject(steps: number): Subject {
  const graph = ditBlockGraph(config, randomWeights(0), {
    batch: 2,
    granularity: "sublayer",
  });
  const scheduler = parseSchedulerConfig({
    _class_name: "DDIMScheduler",
    beta_schedule: "linear",
    clip_sample: false,
    num_train_timesteps: 1000,
    prediction_type: "epsilon",
  }, "tiny");
  return subjectOf(graph, { scheduler, steps });
}
