/** A DiT with random weights that is sampled in milliseconds, for tests and for devices in software. */
import {
  ditBlockGraph,
  type DitConfig,
  randomWeights,
} from "@dip-go/core/models";
import { halvesOf } from "@dip-go/core/pipeline";
import { ddimSampler } from "./full_size.ts";
import { type Subject, subjectOf } from "./subjects.ts";

const tinyDit: DitConfig = {
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

/** Makes a subject of one 8x8 picture: 6 blocks, 12 sublayers. */
export function tinySubject(steps: number, guidanceScale = 2): Subject {
  const graph = ditBlockGraph(tinyDit, randomWeights(0), {
    batch: halvesOf(guidanceScale),
    granularity: "sublayer",
  });
  return subjectOf(graph, ddimSampler(steps), { guidanceScale });
}
