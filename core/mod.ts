/**
 * A diffusion pipeline in TypeScript on ONNX Runtime, from a prompt or a class
 * to pictures: {@linkcode loadPipeline} reads a model in diffusers layout,
 * {@linkcode Pipeline.sampler} says how it is sampled.
 *
 * Its parts are modules of their own: `@dip-go/core/models`, `/samplers`,
 * `/onnx`, `/runtime` and so on.
 *
 * @module
 */
export { rgbImage } from "./pictures/picture.ts";
export { writePng } from "./pictures/png.ts";
export type { Subject } from "./pipeline/conditioner.ts";
export type {
  DrawOptions,
  PictureSampler,
} from "./pipeline/picture_sampler.ts";
export type { PipelineOptions } from "./pipeline/loaded_pipeline.ts";
export { loadPipeline, Pipeline } from "./pipeline/pipeline.ts";
export type { PipelineSampler } from "./pipeline/pipeline_sampler.ts";
export type { SamplerOptions } from "./pipeline/sampler_options.ts";
export { readPrompts } from "./pipeline/prompts/prompt_lists.ts";
