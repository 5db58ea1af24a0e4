/** PyTorch's default initial weights of linear layers, convolutions and norms. */
import { float32, sizeOf, type Tensor, zeros } from "../../tensor/tensor.ts";
import { type RandomTensors, uniformWithin } from "./random_tensors.ts";

/**
 * Norms start as the identity; all other weights and biases are uniform in
 * ±1/√(fan in), as PyTorch's `Linear` and `Conv2d` draw them.
 *
 * @param key `<path>.weight` or `<path>.bias`.
 * @param shapes Shapes of all weights; a bias takes its fan in from the weight beside it.
 */
export function defaultWeight(
  key: string,
  shapes: ReadonlyMap<string, readonly number[]>,
  random: RandomTensors,
): Tensor<"float32"> {
  const shape = shapes.get(key)!;
  const weight = shapes.get(key.replace(/bias$/, "weight"))!;
  const isNorm = weight.length === 1;
  if (isNorm && key.endsWith(".weight")) {
    return float32(shape, new Float32Array(sizeOf(shape)).fill(1));
  }
  if (isNorm) return zeros(shape);
  const fanIn = sizeOf(weight.slice(1));
  return uniformWithin(1 / Math.sqrt(fanIn), shape, random);
}
