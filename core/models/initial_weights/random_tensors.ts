/** Random tensors, of which initial weights are made. */
import { float32, sizeOf, type Tensor, zeros } from "../../tensor/tensor.ts";

/** Seeded random numbers; `TorchGenerator` is one. */
export interface RandomTensors {
  /** Uniform in [0, 1). */
  rand(shape: readonly number[]): Tensor<"float32">;
  /** Standard normal. */
  randn(shape: readonly number[]): Tensor<"float32">;
}

/** Uniform in ±bound. */
function uniformWithin(
  bound: number,
  shape: readonly number[],
  random: RandomTensors,
): Tensor<"float32"> {
  return float32(
    shape,
    random.rand(shape).data.map((x) => bound * (2 * x - 1)),
  );
}

/** Normal with mean 0. */
export function normalWithDeviation(
  deviation: number,
  shape: readonly number[],
  random: RandomTensors,
): Tensor<"float32"> {
  return float32(shape, random.randn(shape).data.map((x) => deviation * x));
}

/**
 * Uniform in ±√(6 / (fan in + fan out)) (Glorot and Bengio, 2010).
 *
 * @param options.joined How many such weights the authors of a network keep as one matrix, which has that many times the rows.
 */
export function xavierUniform(
  shape: readonly number[],
  random: RandomTensors,
  { joined = 1 }: { joined?: number } = {},
): Tensor<"float32"> {
  const fanIn = sizeOf(shape.slice(1));
  const bound = Math.sqrt(6 / (fanIn + joined * shape[0]));
  return uniformWithin(bound, shape, random);
}

/**
 * PyTorch's default: norms start as the identity; all other weights and biases are uniform in
 * ±1/√(fan in), as `Linear` and `Conv2d` draw them.
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
