/** Where initial weights come from. */
import { float32, type Tensor } from "../tensor.ts";

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
