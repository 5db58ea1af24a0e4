/** A pool of host tensors, as a backward pass needs large ones, and new memory is slower to write to. */
import type { Value } from "@dip-go/core/onnx";
import { type Tensor, zeros } from "@dip-go/core/tensor";

/** A pool of float32 tensors, by shape. */
export class TensorPool {
  readonly #free = new Map<string, Tensor[]>();
  #taken: Tensor[] = [];

  /** A tensor for each value, by name; its elements are those of its last use. */
  take(values: readonly Value[]): Record<string, Tensor> {
    return Object.fromEntries(
      values.map(({ name, shape }) => {
        const tensor = this.#free.get(shape.join())?.pop() ?? zeros(shape);
        this.#taken.push(tensor);
        return [name, tensor];
      }),
    );
  }

  /** Takes back all tensors; nothing may read them any more. */
  takeBack(): void {
    for (const tensor of this.#taken.toReversed()) {
      const key = tensor.shape.join();
      this.#free.getOrInsertComputed(key, () => []).push(tensor);
    }
    this.#taken = [];
  }
}

/** Makes a function that returns zeros of a shape, one tensor a shape, which nothing may write to. */
export function sharedZeros(): (shape: readonly number[]) => Tensor {
  const made = new Map<string, Tensor>();
  return (shape) => made.getOrInsertComputed(shape.join(), () => zeros(shape));
}
