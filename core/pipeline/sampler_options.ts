/** The options of a pipeline's sampler. */
import * as v from "valibot";
import { conform, oneOf, record, weight } from "../files/schema.ts";
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
   * The number of steps, as diffusers counts them (PNDM calls the network once
   * more); by default the pipeline kind's. `timesteps` and `sigmas` set the
   * number.
   */
  readonly steps?: number;
  /**
   * The classifier-free guidance scale, by default the pipeline kind's. The
   * network runs once at 1 and below. A network distilled from guided samples
   * runs once and, in most cases, reads the scale.
   */
  readonly guidanceScale?: number;
  /**
   * The scale of true guidance beside a distilled one (FLUX), 1 by default;
   * above 1 the network runs twice, and a negative prompt is needed.
   */
  readonly trueCfgScale?: number;
  /** How far guided predictions regain the conditional spread, 0 (default) to 1 (arXiv 2305.08891, section 3.4). */
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
   * Whether a PixArt draws at the training size of the nearest aspect ratio,
   * then fits the picture to the asked size; true by default, as in diffusers,
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

const part = "0 to 1";
const scale = v.optional(weight);
/** A value that what reads it checks. */
const read = v.optional(v.unknown());

const entries = {
  steps: read,
  timesteps: read,
  sigmas: read,
  eta: scale,
  originalInferenceSteps: read,
  guidanceScale: scale,
  trueCfgScale: scale,
  guidanceRescale: v.optional(
    v.pipe(v.number(part), v.minValue(0, part), v.maxValue(1, part)),
  ),
  clipSkip: read,
  maxSequenceLength: read,
  kind: read,
  scheduler: read,
  start: read,
  until: read,
  aestheticScore: read,
  negativeAestheticScore: read,
  height: read,
  width: read,
  useResolutionBinning: read,
  tiling: read,
  granularity: read,
  backup: v.optional(oneOf(["output", "residual"])),
} satisfies Record<keyof SamplerOptions, v.GenericSchema>;

const schema = record(entries);

/** @throws {RangeError} If an option is unknown, or one of guidance is out of its range. */
export function checkSamplerOptions(options: SamplerOptions, name: string) {
  conform(schema, options, `sample ${name}`, RangeError);
}

/** The options of a sampler among others, as a command has. */
export const samplerOptionsIn = (options: object): SamplerOptions =>
  Object.fromEntries(
    Object.entries(options).filter(([key]) => Object.hasOwn(entries, key)),
  );
