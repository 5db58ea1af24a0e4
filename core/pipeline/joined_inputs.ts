/** Joins the inputs of pictures that have a seed each, to sample them as one batch. */
import { joined, joinedArrays, stacked, unstacked } from "../tensor/batch.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { SamplingInputs } from "./sampling_loop.ts";

/** Joins the inputs of B single pictures. @param conditioning The conditioning of the whole batch. */
export function joinedInputs(
  each: readonly SamplingInputs[],
  conditioning: SamplingInputs["conditioning"],
): SamplingInputs {
  const [{ known, noise, ...first }] = each;
  const name = "masked_latents";
  const rows = each.map(({ conditioning: { [name]: masked } }) =>
    masked ? unstacked(masked as Tensor<"float32">) : []
  );
  const halves = rows[0].length > 0 &&
    rows[0].map((_, half) => rows.map((row) => row[half]));
  const scales = each.flatMap(({ guidanceScales = [] }) => guidanceScales);
  const allOf = (of: (inputs: SamplingInputs) => Float32Array) =>
    joinedArrays(each.map(of));
  return {
    ...first,
    latents: joined(each.map(({ latents }) => latents)),
    guidanceScales: scales.length > 0 ? scales : undefined,
    noise: noise?.map((one, step) =>
      one && allOf(({ noise }) => noise![step]!)
    ),
    known: known && {
      mask: known.mask,
      latents: known.latents.map((_, step) =>
        allOf(({ known }) => known!.latents[step])
      ),
    },
    conditioning: {
      ...conditioning,
      ...halves && { [name]: stacked(halves.flat()) },
    },
  };
}
