/** The options of a pipeline's sampler. */
import type { Granularity } from "../models/network.ts";
import type { SamplerKind, StepChoice } from "../samplers/make_sampler.ts";
import type { SchedulerConfig } from "../samplers/schedule/scheduler_config.ts";
import type { StartOptions } from "./start/start_options.ts";

/** The options of a pipeline's sampler, each with a default. */
export interface SamplerOptions extends
  Pick<
    StepChoice,
    "timesteps" | "sigmas" | "eta" | "originalInferenceSteps"
  > {
  /**
   * The number of steps, as diffusers counts them; PNDM calls the network once
   * more. The default is the pipeline kind's; `timesteps` and `sigmas` imply
   * the number.
   */
  readonly steps?: number;
  /**
   * The scale of classifier-free guidance; the network runs once at 1 and
   * below. The default is the pipeline kind's. A network that was distilled
   * from guided samples runs once and, in most cases, reads the scale.
   */
  readonly guidanceScale?: number;
  /**
   * The scale of true guidance beside a distilled one (FLUX); above 1 it runs
   * the network twice, and needs a negative prompt. 1 by default.
   */
  readonly trueCfgScale?: number;
  /**
   * How far a guided prediction is brought back to the spread of the
   * conditional one, 0 (the default) to 1 (Lin et al., arXiv 2305.08891,
   * section 3.4).
   */
  readonly guidanceRescale?: number;
  /** The last layers of CLIP's towers to skip for a prompt, beyond those that its pipeline skips; none by default. */
  readonly clipSkip?: number;
  /** The number of tokens that T5 reads of a prompt; the default is the pipeline kind's. */
  readonly maxSequenceLength?: number;
  /** The sampler; the pipeline's own by default. */
  readonly kind?: SamplerKind;
  /** A scheduler's configuration instead of the pipeline's. */
  readonly scheduler?: SchedulerConfig;
  /** The picture, or the latents of another pipeline, that sampling starts from; noise by default. */
  readonly start?: StartOptions;
  /** The part of the noise, in (0, 1), that is gone when sampling ends, for another pipeline to go on; all by default. */
  readonly until?: number;
  /** The aesthetic score that SDXL's refiner reads, 6 by default, and the negative prompt's, 2.5 by default. */
  readonly aestheticScore?: number;
  readonly negativeAestheticScore?: number;
  /** The pictures' size in pixels; by default the training size, or the size of the picture that is drawn anew. */
  readonly height?: number;
  readonly width?: number;
  /**
   * Whether a PixArt draws at the training size with the nearest aspect ratio,
   * and fits the picture to the asked size; true by default, as in diffusers,
   * if there is a table for its size.
   */
  readonly useResolutionBinning?: boolean;
  /** Whether to decode in overlapping tiles; by default if a whole picture needs over half of the machine's memory. */
  readonly tiling?: boolean;
  /** How finely the network is cut into units; `usualGranularity` by default. */
  readonly granularity?: Granularity;
  /** The value that is kept of a transformer's unit; its output by default. */
  readonly backup?: "output" | "residual";
}
