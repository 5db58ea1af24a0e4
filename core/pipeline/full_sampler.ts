/** The plain sampler: every step calls the whole network, one session with all of its blocks. */
import {
  type BlockGraph,
  emitBlock,
} from "../models/block_graph/block_graph.ts";
import { GraphBuilder } from "../onnx/builder.ts";
import type { Graph, Value } from "../onnx/graph.ts";
import { shareNodes } from "../onnx/rewrites/share_nodes.ts";
import { openSession, type Session } from "../runtime/session.ts";
import type { SessionOptions } from "../runtime/session_options.ts";
import { nextState, startState } from "../samplers/sampler_state.ts";
import { float32, type Tensor } from "../tensor/tensor.ts";
import { times } from "../tensor/vectors.ts";
import { guide, twice } from "./guidance.ts";
import { samplingLoop } from "./sampling_loop.ts";
import type { LatentSampler, SamplingRequest } from "./sampling_inputs.ts";

/**
 * Adds an input of the network to a step's graph. All samples of a step are at
 * one timestep: what follows from it alone is computed once.
 */
export function stepInput(
  g: GraphBuilder,
  { name, dtype, shape }: Value,
): Value {
  const value = g.input(name, dtype, shape);
  if (name !== "timestep") return value;
  return g.slice(value, { axes: [0], starts: [0], ends: [1] });
}

/** The timestep of a step for every sample of a batch, `[2B]`. */
export const timesteps = (batch: number, timestep: number): Tensor<"float32"> =>
  float32([batch], new Float32Array(batch).fill(timestep));

function stepGraph({ model, inputs, blocks, output }: BlockGraph): Graph {
  const g = new GraphBuilder(`${model}:step`);
  const tensors = new Map(
    inputs.map((input) => [input.name, stepInput(g, input)]),
  );
  for (const block of blocks) emitBlock(g, block, tensors);
  return shareNodes(g.build({ [output]: tensors.get(output)! }));
}

class FullSampler implements LatentSampler {
  constructor(private readonly session: Session) {}

  async sample(
    { latents, conditioning, sampler, noise, guidanceScale, observe }:
      SamplingRequest,
  ): Promise<Tensor<"float32">> {
    const { shape: [images, ...rest], shape } = latents;
    const predict = async (i: number, x: Float32Array) => {
      const { timestep, inputScale } = sampler.steps[i];
      const [prediction] = Object.values(
        await this.session.run({
          ...conditioning,
          sample: float32([2 * images, ...rest], twice(times(x, inputScale))),
          timestep: timesteps(2 * images, timestep),
        }),
      );
      const guided = { latents: shape, scale: guidanceScale };
      return guide(prediction.data as Float32Array, guided);
    };
    const start = startState(sampler, latents.data);
    const final = await samplingLoop(sampler, start, {
      predict: (i, state) => predict(i, state.latents),
      async next(i, made) {
        await observe?.({ step: i });
        return nextState(sampler, i, { ...made, noise: noise?.[i] });
      },
    });
    return float32(shape, final);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.session.close();
  }
}

/** Opens the full sampler of a network. @param model Of batch 2B, for B pictures at once. */
export const openFullSampler = async (
  model: BlockGraph,
  options: SessionOptions,
): Promise<LatentSampler> =>
  new FullSampler(await openSession(stepGraph(model), options));
