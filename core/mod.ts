/**
 * A diffusion pipeline in TypeScript on ONNX Runtime: {@linkcode loadPipeline}
 * reads a model in diffusers layout, {@linkcode Pipeline.sampler} says how it is
 * sampled. Its parts have doors of their own: `@dip-go/core/models`, `/samplers`,
 * `/onnx`, `/runtime` and so on.
 */
export {
  loadPipeline,
  Pipeline,
  type PipelineOptions,
  type PipelineSampler,
  type SamplerOptions,
} from "./pipeline/pipeline.ts";
