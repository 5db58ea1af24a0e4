/** Draws random tensors as initial weights. */
import { float32, sizeOf, type Tensor, zeros } from "../../tensor/tensor.ts";

/** Seeded random numbers; `TorchGenerator` is one. */
export interface RandomTensors {
  /** Draws uniform numbers in [0, 1). */
  rand(shape: readonly number[]): Tensor<"float32">;
  /** Draws standard normal numbers. */
  randn(shape: readonly number[]): Tensor<"float32">;
}

/** All weights of a model by key, drawn in the order of their shapes. */
export const initialWeights = (
  shapes: ReadonlyMap<string, readonly number[]>,
  draw: (key: string, shape: readonly number[]) => Tensor<"float32">,
): Map<string, Tensor<"float32">> =>
  new Map([...shapes].map(([key, shape]) => [key, draw(key, shape)]));

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

const ones = (shape: readonly number[]): Tensor<"float32"> =>
  float32(shape, new Float32Array(sizeOf(shape)).fill(1));

/**
 * The initial weight of a transformer whose modulations begin as zeros, so that
 * every block is the identity at first (adaLN-zero, Peebles and Xie, 2023), as in
 * the DiT authors' code: biases are 0, scales of norms 1, embedders normal, all
 * others uniform in ±√(6 / (fan in + fan out)) (Glorot and Bengio, 2010).
 *
 * @param options.zeros Matches keys of modulations and of the last layer.
 * @param options.embedders Matches keys of the layers that embed conditions.
 */
export function adaLnZeroWeight(
  key: string,
  shape: readonly number[],
  random: RandomTensors,
  options: { readonly zeros: RegExp; readonly embedders: RegExp },
): Tensor<"float32"> {
  if (key.endsWith(".bias") || options.zeros.test(key)) return zeros(shape);
  if (shape.length === 1) return ones(shape);
  if (options.embedders.test(key)) {
    return float32(shape, random.randn(shape).data.map((x) => 0.02 * x));
  }
  // In the authors' code, q, k and v are one matrix.
  const joined = /\.(to|add)_[qkv](_proj)?\./.test(key) ? 3 : 1;
  const fanIn = sizeOf(shape.slice(1));
  const bound = Math.sqrt(6 / (fanIn + joined * shape[0]));
  return uniformWithin(bound, shape, random);
}

/**
 * The initial weight by PyTorch's default: norms start as the identity; all other
 * weights and biases are uniform in ±1/√(fan in), as in `Linear` and `Conv2d`.
 *
 * @param key `<path>.weight` or `<path>.bias`.
 * @param shapes Shapes of all weights; a bias takes its fan in from the weight of the same path.
 */
export function defaultWeight(
  key: string,
  shapes: ReadonlyMap<string, readonly number[]>,
  random: RandomTensors,
): Tensor<"float32"> {
  const shape = shapes.get(key)!;
  const weight = shapes.get(key.replace(/bias$/, "weight"))!;
  const isNorm = weight.length === 1;
  if (isNorm) return key.endsWith(".weight") ? ones(shape) : zeros(shape);
  const fanIn = sizeOf(weight.slice(1));
  return uniformWithin(1 / Math.sqrt(fanIn), shape, random);
}
