/** Noise and conditions to final latents: what every sampler starts from, and its loop of T predictions, each followed by the scheduler's arithmetic. */
import type { Sampler } from "../samplers/sampler.ts";
import type {
  SamplerState,
  StepInputs,
  StepNoise,
} from "../samplers/sampler_state.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** The part of pictures that stays (Lugmayr et al., 2022, without resampling). */
export interface KnownRegion {
  /** 1 where latents are drawn, 0 where they are known: `[H, W]`. */
  readonly mask: Float32Array;
  /** The picture's latents as noisy as each step leaves them, `[B, C, H, W]`. */
  readonly latents: readonly Float32Array[];
}

/** The latents after step i, `[B, C, H, W]`, with the known ones in their place. */
export const withKnown = (
  next: Float32Array,
  { mask, latents }: KnownRegion,
  i: number,
): Float32Array =>
  next.map((v, j) => mask[j % mask.length] === 1 ? v : latents[i][j]);

/** Everything that B pictures are sampled from. */
export interface SamplingInputs {
  /** Initial noise, `[B, C, H, W]`; the network's batch is 2B where the pictures are guided, else B. */
  readonly latents: Tensor<"float32">;
  /** The network's inputs besides `sample` and `timestep`, of its batch, conditional half first. */
  readonly conditioning: Readonly<Record<string, Tensor>>;
  readonly sampler: Sampler;
  /** For the steps at which the sampler adds noise. */
  readonly noise?: StepNoise;
  /** The part of the pictures that stays, in inpainting with a network that reads no mask. */
  readonly known?: KnownRegion;
  /** Of classifier-free guidance: 1 or less where the network runs once, as one does that is distilled to read its scale. */
  readonly guidanceScale: number;
  /** Of each picture, where they differ: see `guide`. */
  readonly guidanceScales?: readonly number[];
  /** See `SamplerOptions`; only the full sampler does it. */
  readonly guidanceRescale?: number;
}

/** A step of the full sampler, as it was made. */
export interface MadeStep {
  /** What the network was given. */
  readonly feeds: Readonly<Record<string, Tensor>>;
  /** What it made of it. */
  readonly output: Tensor;
  /** Before the step, `[B, C, H, W]`. */
  readonly latents: Tensor<"float32">;
  /** After guidance, like the latents. */
  readonly prediction: Tensor<"float32">;
}

/** A step, and how it was made where the sampler is the full one. */
export interface ObservedStep {
  readonly step: number;
  readonly made?: MadeStep;
}

/** The same, watched. */
export interface SamplingRequest extends SamplingInputs {
  /** Called at each step, before its latents are replaced. */
  readonly observe?: (step: ObservedStep) => void | Promise<void>;
}

/** A sampler with its sessions open. Hold it with `await using`. */
export interface LatentSampler extends AsyncDisposable {
  /** Final latents, `[B, C, H, W]`. */
  sample(request: SamplingRequest): Promise<Tensor<"float32">>;
}

/** How one loop predicts and steps; `V` is how it holds `[B, C, H, W]`. */
export interface LoopSteps<V> {
  /** The guided prediction of step i. */
  predict(i: number, state: SamplerState<V>): Promise<V>;
  /** The state after step i. */
  next(
    i: number,
    made: Pick<StepInputs<V>, "state" | "prediction">,
  ): SamplerState<V> | Promise<SamplerState<V>>;
}

/** The final latents of a sampler that starts from a state. */
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
