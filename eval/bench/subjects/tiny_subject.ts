/** For tests: a DiT that is sampled in milliseconds, with random weights. */
import { ditBlockGraph, randomWeights } from "@dip-go/core/models";
import { parseSchedulerConfig } from "@dip-go/core/samplers";
import { tinyDit } from "@dip-go/testing/models";
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
