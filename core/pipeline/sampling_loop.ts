/** The inputs of a sampler, and its loop: T predictions, each followed by the scheduler's arithmetic. */
import type { Sampler } from "../samplers/sampler.ts";
import type {
  SamplerState,
  StepInputs,
  StepNoise,
} from "../samplers/sampler_state.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** The part of pictures that stays in inpainting (Lugmayr et al., 2022, without resampling). */
export interface KnownRegion {
  /** 1 where latents are drawn, 0 where they are known: `[H, W]`. */
  readonly mask: Float32Array;
  /** The picture's latents, as noisy as after each step, `[B, C, H, W]`. */
  readonly latents: readonly Float32Array[];
}

/** Puts the known latents into the latents after step i, `[B, C, H, W]`. */
export const withKnown = (
  next: Float32Array,
  { mask, latents }: KnownRegion,
  i: number,
): Float32Array =>
  next.map((v, j) => mask[j % mask.length] === 1 ? v : latents[i][j]);

/** The inputs that B pictures are sampled from. */
export interface SamplingInputs {
  /** Initial noise, or a noised picture, `[B, C, H, W]`; the network's batch is 2B if guided, else B. */
  readonly latents: Tensor<"float32">;
  /** The network's inputs besides `sample` and `timestep`, of its batch, conditional half first. */
  readonly conditioning: Readonly<Record<string, Tensor>>;
  readonly sampler: Sampler;
  /** The noise of the steps at which the sampler adds some. */
  readonly noise?: StepNoise;
  /** The part of the pictures that stays, in inpainting with a network that reads no mask. */
  readonly known?: KnownRegion;
  /** The classifier-free guidance scale; 1 or less if the network runs once, as one that reads its scale does. */
  readonly guidanceScale: number;
  /** A guidance scale for each picture, if they differ: see `guide`. */
  readonly guidanceScales?: readonly number[];
  /** See `SamplerOptions`; only the full sampler rescales. */
  readonly guidanceRescale?: number;
}

/** The tensors of a step of the full sampler. */
export interface MadeStep {
  /** The network's inputs. */
  readonly feeds: Readonly<Record<string, Tensor>>;
  /** The network's output, before guidance. */
  readonly output: Tensor;
  /** The latents before the step, `[B, C, H, W]`. */
  readonly latents: Tensor<"float32">;
  /** The prediction after guidance, `[B, C, H, W]`. */
  readonly prediction: Tensor<"float32">;
}

/** A step, with its tensors if the sampler is the full one. */
export interface ObservedStep {
  readonly step: number;
  readonly made?: MadeStep;
}

/** Sampling inputs, and an observer of the steps. */
export interface SamplingRequest extends SamplingInputs {
  /** Called at each step, before its latents are replaced. */
  readonly observe?: (step: ObservedStep) => void | Promise<void>;
}

/** A sampler with its sessions open. Hold it with `await using`. */
export interface LatentSampler extends AsyncDisposable {
  /** Samples the final latents, `[B, C, H, W]`. */
  sample(request: SamplingRequest): Promise<Tensor<"float32">>;
}

/** The prediction and the update of a loop's steps; `V` is the type that holds `[B, C, H, W]`. */
export interface LoopSteps<V> {
  /** The guided prediction of step i. */
  predict(i: number, state: SamplerState<V>): Promise<V>;
  /** The state after step i. */
  next(
    i: number,
    made: Pick<StepInputs<V>, "state" | "prediction">,
  ): SamplerState<V> | Promise<SamplerState<V>>;
}

/** Runs a sampler's steps from a state; returns the final latents. */
export async function samplingLoop<V>(
  { steps }: Sampler,
  start: SamplerState<V>,
  { predict, next }: LoopSteps<V>,
): Promise<V> {
  let state = start;
  for (const i of steps.keys()) {
    state = await next(i, { state, prediction: await predict(i, state) });
  }
  return state.latents;
}
