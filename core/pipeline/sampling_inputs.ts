/** The values that a sampler starts from, whatever calls the network. */
import type { Sampler } from "../samplers/sampler.ts";
import type { StepNoise } from "../samplers/sampler_state.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** Everything that B pictures are sampled from. */
export interface SamplingInputs {
  /** Initial noise, `[B, C, H, W]`; the network's batch must be 2B. */
  readonly latents: Tensor<"float32">;
  /** The network's inputs besides `sample` and `timestep`, batch 2B, conditional half first. */
  readonly conditioning: Readonly<Record<string, Tensor>>;
  readonly sampler: Sampler;
  /** For the steps at which the sampler adds noise. */
  readonly noise?: StepNoise;
  readonly guidanceScale: number;
}
