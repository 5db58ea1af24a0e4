/** The plain sampler: every step calls the whole network. */
import type { BlockGraph } from "../../models/block_graph/block_graph.ts";
import type { SessionOptions } from "../../runtime/session_options.ts";
import { nextState, startState } from "../../samplers/sampler_state.ts";
import { float32, type Tensor } from "../../tensor/tensor.ts";
import { times } from "../../tensor/vectors.ts";
import { guide, halvesOf, inHalves, isGuided, rescaled } from "../guidance.ts";
import { openNetwork } from "./network_calls.ts";
import {
  type LatentSampler,
  samplingLoop,
  type SamplingRequest,
  withKnown,
} from "../sampling_loop.ts";

/** The timestep of a step for every sample of the network's batch. */
export const timesteps = (batch: number, timestep: number): Tensor<"float32"> =>
  float32([batch], new Float32Array(batch).fill(timestep));

/** Applies guidance to the network's prediction. */
function guided(
  prediction: Float32Array,
  {
    latents: { shape },
    guidanceScale: scale,
    guidanceScales: scales,
    guidanceRescale: rescale = 0,
  }: SamplingRequest,
): Float32Array {
  const e = guide(prediction, { latents: shape, scale, scales });
  if (!isGuided(scale) || rescale === 0) return e;
  return rescaled(e, prediction, { batch: shape[0], rescale });
}

/** Opens the full sampler. @param model The network; its batch is the pictures, or twice that if guided. */
export async function openFullSampler(
  model: BlockGraph,
  options: SessionOptions,
): Promise<LatentSampler> {
  const network = await openNetwork(model, options);
  return {
    async sample(request) {
      const { latents, conditioning, sampler, noise, known, observe } = request;
      const { guidanceScale } = request;
      const { shape: [images, ...rest], shape } = latents;
      const batch = halvesOf(guidanceScale) * images;
      const start = startState(sampler, latents.data);
      const final = await samplingLoop(sampler, start, {
        async predict(i, { latents: x }) {
          const { timestep, inputScale } = sampler.steps[i];
          const feeds = {
            ...conditioning,
            sample: float32(
              [batch, ...rest],
              inHalves(times(x, inputScale), guidanceScale),
            ),
            timestep: timesteps(batch, timestep),
          };
          const output = await network.call(feeds);
          const prediction = guided(output.data as Float32Array, request);
          const made = {
            feeds,
            output,
            latents: float32(shape, x),
            prediction: float32(shape, prediction),
          };
          await observe?.({ step: i, made });
          return prediction;
        },
        next(i, made) {
          const own = { noise: noise?.[i], images: shape[0] };
          const next = nextState(sampler, i, { ...made, ...own });
          if (!known) return next;
          return { ...next, latents: withKnown(next.latents, known, i) };
        },
      });
      return float32(shape, final);
    },
    [Symbol.asyncDispose]: () => network[Symbol.asyncDispose](),
  };
}
