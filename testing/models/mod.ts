/** A tiny network of each family, with random weights, and whole pipelines of them: built in milliseconds, different in every block. */
export {
  checkpoint,
  clipPairJson,
  publishedKeys,
  type PublishedPair,
  reduced,
  vitG,
  vitL,
  writePair,
} from "./clip_pairs.ts";
export { isClose, pictureFeature, textFeature } from "./clip_reference.ts";
export { originalCheckpoint, originalKinds } from "./original_checkpoint.ts";
export { tinyDit } from "./tiny_dit.ts";
export {
  inTinyPipeline,
  type PipelineClass,
  writeTinyPipeline,
} from "./tiny_pipeline.ts";
export { tinyFlux, tinySd3, tinyStreams } from "./tiny_mmdit.ts";
export { tinyConditions, tinyPixart } from "./tiny_pixart.ts";
export { randomConditions, tinyText, tinyUnet } from "./tiny_unet.ts";
export { waves, waveWeights } from "./wave_weights.ts";
