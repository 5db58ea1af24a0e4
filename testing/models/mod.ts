/** A tiny network of each family, with random weights, and whole pipelines of them: built in milliseconds, different in every block. */
export { tinyDit } from "./tiny_dit.ts";
export {
  inTinyPipeline,
  type PipelineClass,
  writeTinyPipeline,
} from "./tiny_pipeline.ts";
export { tinyConditions, tinyPixart } from "./tiny_pixart.ts";
export { tinyText, tinyUnet } from "./tiny_unet.ts";
