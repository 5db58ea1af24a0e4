/** From a prompt or a class to pictures: text encoders, guidance, decoder, and {@linkcode loadPipeline}, which puts them together. */
export type { Conditioner, Subject } from "./conditioner.ts";
export {
  chooseInt8,
  int8Candidates,
  type Int8Choice,
  type Int8Request,
} from "./precision/choose_int8.ts";
export type { PipelineOptions } from "./loaded_pipeline.ts";
export { loadPipeline, Pipeline } from "./pipeline.ts";
export { PipelineSampler } from "./pipeline_sampler.ts";
export { type SamplerOptions, samplerOptionsIn } from "./sampler_options.ts";
export { openFullSampler, timesteps } from "./sampling/full_sampler.ts";
export { openNetwork, stepInput } from "./sampling/network_calls.ts";
export { type DrawOptions, PictureSampler } from "./picture_sampler.ts";
export {
  type LatentSampler,
  type MadeStep,
  type ObservedStep,
  type SamplingInputs,
  samplingLoop,
  withKnown,
} from "./sampling_loop.ts";
export {
  classLabels,
  type GuidanceScales,
  guide,
  halvesOf,
  inHalves,
  isGuided,
  latentsShape,
  refuseRescale,
} from "./guidance.ts";
export type { StartOptions } from "./start/start_options.ts";
export {
  type Autoencoder,
  emitPictures,
  loadAutoencoder,
  openPictureDecoder,
  type PictureDecoder,
} from "./picture_decoder.ts";
export type {
  PictureSize,
  PromptEncoder,
  PromptInputs,
} from "./prompts/prompt_encoder.ts";
export { type PromptLists, readPrompts } from "./prompts/prompt_lists.ts";
