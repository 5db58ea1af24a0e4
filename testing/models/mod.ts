/** TODO testing/models */
export { tinyDit } from "./tiny_dit.ts";
export {
  inTinyPipeline,
  type PipelineClass,
  writeTinyPipeline,
} from "./tiny_pipeline.ts";
export { tinyConditions, tinyPixart } from "./tiny_pixart.ts";
export { tinyText, tinyUnet } from "./tiny_unet.ts";
