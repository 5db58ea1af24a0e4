/** Initial weights of the pruner network; its last layer starts at zero weights and a bias toward "keep". */
import type { TorchGenerator } from "@dip-go/core/random";
import { sizeOf } from "@dip-go/core/tensor";
import type { NetworkSearchOptions } from "../search_settings.ts";

/** A parameter of the network, and the number of inputs n of its layer. */
export interface InitialParameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly inputs: number;
}

/**
 * Draws the values of one parameter, flat; queries are standard normal, as in
 * `nn.Embedding`.
 *
 * @param kind `torch`: U(−1/√n, 1/√n) as `nn.Linear` draws weight and bias, by Kaiming's rule with a = √5. `lecun`: normal weights of variance 1/n, biases of 0.
 */
export function initialWeight(
  { name, shape, inputs }: InitialParameter,
  kind: NetworkSearchOptions["network"]["initial"],
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
  const scale = 1 / Math.sqrt(inputs);
  if (kind === "torch") {
    return random.rand(shape).data.map((u) => u * 2 * scale - scale);
  }
  if (name.endsWith(".bias")) return new Float32Array(size);
  return random.randn(shape).data.map((v) => scale * v);
}
