/** For tests: a DiT that is sampled in milliseconds. */
import type { DitConfig } from "@dip-go/core/models";

/** Three 8x8 channels, two blocks, four classes. */
export const tinyDit: DitConfig = {
  sampleSize: 8,
  patchSize: 2,
  inChannels: 3,
  outChannels: 3,
  layers: 2,
  heads: 2,
  headWidth: 8,
  classes: 4,
  normEpsilon: 1e-5,
};
