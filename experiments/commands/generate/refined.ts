/** A second pipeline that finishes what a first one began, as SDXL's refiner does (Podell et al., 2023, section 2.5). */
import { loadPipeline } from "@dip-go/core";
import type { PictureSampler } from "@dip-go/core/pipeline";
import { isInt8 } from "@dip-go/core/runtime";
import { joined, type Tensor } from "@dip-go/core/tensor";
import { denseMacs, superNetOf } from "@dip-go/supernet/gates";
import type { GenerateOptions } from "./generate_options.ts";

/** An open sampler, and what a picture costs. */
export interface Drawing {
  readonly drawing: PictureSampler;
  readonly macs: number;
}

/** What is drawn, and how. */
export type DrawRequest = Parameters<PictureSampler["draw"]>;

/**
 * Draws latents until the refiner's part of the noise, closes what drew them,
 * and opens the refiner to go on from there.
 *
 * @param options.refiner Its pipeline; without one, the first pipeline draws all.
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
  // A choice of weights in 8 bits is of one network.
  const precision = isInt8(options.precision) ? undefined : options.precision;
  const pipeline = await loadPipeline(refiner, { device, precision, widening });
  const sampler = pipeline.sampler({
    ...options,
    start: { latents: joined(begun), from },
  });
  const macs = first.macs + denseMacs(superNetOf(sampler));
  return { drawing: sampler.open(), macs };
}
