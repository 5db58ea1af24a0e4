/** The models that benches sample with: a folder, embedded or full-size with random weights. */
import { loadPipeline, Pipeline } from "@dip-go/core";
import {
  type BlockGraph,
  type LoadedModel,
  ofSampleSize,
} from "@dip-go/core/models";
import { latentsShape } from "@dip-go/core/pipeline";
import { TorchGenerator } from "@dip-go/core/random";
import type { Sampler, SamplerKind } from "@dip-go/core/samplers";
import { type SuperNet, superNet } from "@dip-go/supernet/gates";
import type { SampleRequest } from "@dip-go/supernet/sampling";
import { ensureDitXl, ensureSd15Unet } from "./full_size.ts";
import { feedOf } from "./random_feeds.ts";

/** A SuperNet, and a request that samples with the SuperNet once a plan is added. */
export interface Subject {
  readonly net: SuperNet;
  readonly request: Omit<
    SampleRequest,
    "gates" | "payloads" | "fill" | "observe"
  >;
}

/** The number of images sampled at once, the sampler's steps, and the latents' size. */
export interface SubjectSize {
  readonly images: number;
  readonly steps: number;
  /** The sampler's kind; the folder's own by default. */
  readonly kind?: SamplerKind;
  /** Height and width of the latents; the model's own by default. */
  readonly side?: number;
  /** The guidance scale; 2 by default. */
  readonly guidanceScale?: number;
}

/** Makes a subject with random noise and conditions, whose values do not matter for speed and memory. */
export function subjectOf(
  graph: BlockGraph,
  sampler: Sampler,
  { guidanceScale = 2 }: Pick<SubjectSize, "guidanceScale"> = {},
): Subject {
  const [, , ...conditions] = graph.inputs;
  const random = new TorchGenerator(0);
  return {
    net: superNet(graph, { steps: sampler.steps.length }),
    request: {
      latents: random.randn(latentsShape(graph, guidanceScale)),
      conditioning: Object.fromEntries(
        conditions.map((input) => [input.name, feedOf(input, random)]),
      ),
      sampler,
      guidanceScale,
    },
  };
}

/**
 * Makes a subject from a model folder with a scheduler; gates switch the family's usual units.
 *
 * @throws {RangeError} If the folder has no scheduler.
 */
export async function modelFolder(
  folder: string,
  { images, side, guidanceScale = 2, ...size }: SubjectSize,
): Promise<Subject> {
  const pipeline = sized(await loadPipeline(folder), side);
  const sampler = pipeline.sampler({ ...size, guidanceScale });
  const graph = sampler.graph({ images });
  return subjectOf(graph, sampler.sampler, { guidanceScale });
}

function sized(pipeline: Pipeline, side: number | undefined): Pipeline {
  if (side === undefined) return pipeline;
  const model = { ...pipeline.model, ...ofSampleSize(pipeline.model, side) };
  return new Pipeline({ ...pipeline, model: model as LoadedModel });
}

/** The folders of the models that benches use; full-size ones are written when they are first needed. */
export const folders = {
  "dit-shapes": () => Promise.resolve("zoo/models/dit-shapes"),
  "sd-shapes": () => Promise.resolve("zoo/models/sd-shapes"),
  "dit-xl": () => ensureDitXl("results/bench/dit-xl-2"),
  "sd-unet": () => ensureSd15Unet("results/bench/sd-1.5"),
} as const;

export type ModelName = keyof typeof folders;
