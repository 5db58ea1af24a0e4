/** Noise and conditions to final latents: the values that a sampler starts from, whatever calls the network. */
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

/** The same, watched. */
export interface SamplingRequest extends SamplingInputs {
  /** Called at each step, before its latents are replaced. */
  readonly observe?: (step: { readonly step: number }) => void | Promise<void>;
}

/** A sampler with its sessions open. Hold it with `await using`. */
export interface LatentSampler extends AsyncDisposable {
  /** Final latents, `[B, C, H, W]`. */
  sample(request: SamplingRequest): Promise<Tensor<"float32">>;
}
