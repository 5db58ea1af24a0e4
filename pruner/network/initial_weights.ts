/** Initial weights of the pruner network; its last layer starts at zero weights and a bias toward "keep". */
import type { TorchGenerator } from "@dip-go/core/random";
import { sizeOf } from "@dip-go/core/tensor";

/** `torch`: defaults of PyTorch's layers. `lecun`: normal weights of variance 1/n, biases of 0. */
export type Initialisation = "torch" | "lecun";

/** A parameter of the network, and the inputs n of the layer that it belongs to. */
export interface InitialParameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly inputs: number;
}

/** U(−1/√n, 1/√n) as PyTorch draws it for `nn.Linear`'s weight and bias: Kaiming's rule with a = √5. */
export function linearDefault(
  random: TorchGenerator,
  shape: readonly number[],
  inputs: number,
): Float32Array {
  const bound = 1 / Math.sqrt(inputs);
  return random.rand(shape).data.map((u) => u * 2 * bound - bound);
}

/** Values of one parameter, as flat as its shape; queries are standard normal, as `nn.Embedding`'s. */
export function initialWeight(
  { name, shape, inputs }: InitialParameter,
  kind: Initialisation,
  random: TorchGenerator,
): Float32Array {
  const size = sizeOf(shape);
  if (name === "head.2.weight") return new Float32Array(size);
  if (name === "head.2.bias") {
    return Float32Array.from({ length: size }, (_, i) => i % 2);
  }
  if (name === "queries") return random.randn(shape).data;
  if (/norm\d\./.test(name)) {
    return new Float32Array(size).fill(name.endsWith(".weight") ? 1 : 0);
  }
  if (kind === "torch") return linearDefault(random, shape, inputs);
  if (name.endsWith(".bias")) return new Float32Array(size);
  const scale = 1 / Math.sqrt(inputs);
  return random.randn(shape).data.map((v) => scale * v);
}
