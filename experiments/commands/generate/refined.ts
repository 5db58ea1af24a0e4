/** A second pipeline that finishes a first one's latents, like SDXL's (Podell et al., 2023, section 2.5). */
import { loadPipeline } from "@dip-go/core";
import { type PictureSampler, samplerOptionsIn } from "@dip-go/core/pipeline";
import { isInt8 } from "@dip-go/core/runtime";
import { joined, type Tensor } from "@dip-go/core/tensor";
import { denseMacs, superNetOf } from "@dip-go/supernet/gates";
import type { GenerateOptions } from "./generate_options.ts";

/** An open sampler, and the MACs of a picture. */
export interface Drawing {
  readonly drawing: PictureSampler;
  readonly macs: number;
}

/** The arguments of `draw`: the subjects, and how they are drawn. */
export type DrawRequest = Parameters<PictureSampler["draw"]>;

/**
 * Draws latents up to the refiner's part of the noise, closes the first sampler,
 * and opens the refiner to go on from these latents.
 *
 * @param options.refiner The refiner's pipeline; without one, the first pipeline draws all.
 */
export async function refined(
  first: Drawing,
  { refiner, refinerFrom: from, ...options }: GenerateOptions,
  request: DrawRequest,
): Promise<Drawing> {
  if (refiner === undefined) return first;
  const begun: Tensor<"float32">[] = [];
  {
    await using base = first.drawing;
    for await (const latents of base.latents(...request)) begun.push(latents);
  }
  const { device, widening } = options;
  // The choice of weights in 8 bits holds for the first network alone.
  const precision = isInt8(options.precision) ? undefined : options.precision;
  const pipeline = await loadPipeline(refiner, { device, precision, widening });
  const sampler = pipeline.sampler({
    ...samplerOptionsIn(options),
    start: { latents: joined(begun), from },
  });
  const macs = first.macs + denseMacs(superNetOf(sampler));
  return { drawing: sampler.open(), macs };
}
