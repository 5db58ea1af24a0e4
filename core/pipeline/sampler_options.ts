/** How a pipeline is sampled, as a caller says it. */
import type { Granularity } from "../models/network.ts";
import type { SamplerKind, StepChoice } from "../samplers/make_sampler.ts";
import type { SchedulerConfig } from "../samplers/schedule/scheduler_config.ts";
import type { StartOptions } from "./start/start_options.ts";

/** How a pipeline is sampled. */
export interface SamplerOptions extends
  Pick<
    StepChoice,
    "timesteps" | "sigmas" | "eta" | "originalInferenceSteps"
  > {
  /** As diffusers counts them; PNDM calls the network once more. Those of the pipeline's kind by default; `timesteps` and `sigmas` say it themselves. */
  readonly steps?: number;
  /** Of classifier-free guidance; the network runs once at 1 and below. That of the pipeline's kind by default. A network that was distilled from guided samples runs once and, in most cases, reads it. */
  readonly guidanceScale?: number;
  /** Of true guidance beside a distilled one (FLUX): it runs the network twice above 1, and needs a negative prompt. 1 by default. */
  readonly trueCfgScale?: number;
  /** How far a guided prediction is brought back to the spread of the conditional one, 0 (the default) to 1 (Lin et al., arXiv 2305.08891, section 3.4). */
  readonly guidanceRescale?: number;
  /** Layers of CLIP's towers that are left out at the end for a prompt, beyond those that its pipeline leaves out; none by default. */
  readonly clipSkip?: number;
  /** Tokens that T5 reads of a prompt; those of the pipeline's kind by default. */
  readonly maxSequenceLength?: number;
  /** The one that the pipeline brings by default. */
  readonly kind?: SamplerKind;
  /** A scheduler's configuration in the place of the pipeline's. */
  readonly scheduler?: SchedulerConfig;
  /** A picture that sampling starts from, or what another pipeline left; noise by default. */
  readonly start?: StartOptions;
  /** The part of the noise, in (0, 1), at which sampling ends, for another pipeline to go on; all of it by default. */
  readonly until?: number;
  /** What SDXL's refiner is told of the pictures' beauty, 6 by default, and of those that guidance leads away from, 2.5. */
  readonly aestheticScore?: number;
  readonly negativeAestheticScore?: number;
  /** Of the pictures, in pixels; by default those that the model was trained with, or of the picture that is drawn anew. */
  readonly height?: number;
  readonly width?: number;
  /** Whether a PixArt draws at the size of its training with the nearest aspect ratio, and fits the picture to the one that is asked for; true by default, as in diffusers, where its size has such a table. */
  readonly useResolutionBinning?: boolean;
  /** Whether pictures are decoded in overlapping tiles; by default where a whole one would take more than half of the machine's memory. */
  readonly tiling?: boolean;
  /** How finely the network is cut into units; that of `usualGranularity` by default. */
  readonly granularity?: Granularity;
  /** What is kept of a transformer's unit, its output by default. */
  readonly backup?: "output" | "residual";
}
