/** For tests: a DiT that is sampled in milliseconds, with random weights. */
import { ditBlockGraph } from "../../../core/models/dit/dit.ts";
import { tinyDit } from "../../../testing/models/tiny_dit.ts";
import { randomWeights } from "../../../core/models/initial_weights/random_weights.ts";
import { parseSchedulerConfig } from "../../../core/samplers/schedule/scheduler_config.ts";
import { ddimConfig } from "./ddim_config.ts";
import { type Subject, subjectOf } from "./subjects.ts";

/** One guided 8x8 picture, 6 blocks, 12 sublayers. */
export function tinySubject(steps: number): Subject {
  const graph = ditBlockGraph({ ...tinyDit, layers: 6 }, randomWeights(0), {
    batch: 2,
    granularity: "sublayer",
  });
  const scheduler = parseSchedulerConfig(ddimConfig, "tiny");
  return subjectOf(graph, { scheduler, steps });
}
