/** Random tensors, of which initial weights are made. */
import { float32, sizeOf, type Tensor } from "../../tensor/tensor.ts";

/** Seeded random numbers; `TorchGenerator` is one. */
export interface RandomTensors {
  /** Uniform in [0, 1). */
  rand(shape: readonly number[]): Tensor<"float32">;
  /** Standard normal. */
  randn(shape: readonly number[]): Tensor<"float32">;
}

/** Uniform in ±bound. */
export function uniformWithin(
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
