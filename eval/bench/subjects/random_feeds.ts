/** Random inputs for a network that is timed: their values do not change its time. */
import type { Graph, Value } from "@dip-go/core/onnx";
import { TorchGenerator } from "@dip-go/core/random";
import { float32, int64, sizeOf, type Tensor } from "@dip-go/core/tensor";

/** A timestep in the middle of the training's thousand. */
const timestep = 500;

/** A feed for an input: normal floats; timesteps are 500, and integers (classes) are zeros. */
export function feedOf(
  { name, dtype, shape }: Value,
  random: TorchGenerator,
): Tensor {
  const count = sizeOf(shape);
  if (dtype === "int64") return int64(shape, Array(count).fill(0));
  return name === "timestep"
    ? float32(shape, new Float32Array(count).fill(timestep))
    : random.randn(shape);
}

/** A feed for every input of a network's graph, the same at each call. */
export function randomFeeds(
  { inputs }: Pick<Graph, "inputs">,
): Record<string, Tensor> {
  const random = new TorchGenerator(0);
  return Object.fromEntries(
    inputs.map((input) => [input.name, feedOf(input, random)]),
  );
}
