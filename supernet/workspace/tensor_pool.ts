/** Tensors on the host that are used again: what a pass keeps for its backward pass is large, and new memory takes longer to write to. */
import type { Value } from "@dip-go/core/onnx";
import { type Tensor, zeros } from "@dip-go/core/tensor";

/** Float32 tensors by shape. */
export class TensorPool {
  readonly #free = new Map<string, Tensor[]>();
  #taken: Tensor[] = [];

  /** A tensor for each value, by name; it holds whatever it held last. */
  take(values: readonly Value[]): Record<string, Tensor> {
    return Object.fromEntries(
      values.map(({ name, shape }) => {
        const tensor = this.#free.get(shape.join())?.pop() ?? zeros(shape);
        this.#taken.push(tensor);
        return [name, tensor];
      }),
    );
  }

  /** Takes back all of them; nobody may read them any more. */
  takeBack(): void {
    for (const tensor of this.#taken.toReversed()) {
      const key = tensor.shape.join();
      const free = this.#free.get(key) ?? [];
      this.#free.set(key, free);
      free.push(tensor);
    }
    this.#taken = [];
  }
}

/** Makes zeros, once a shape: nobody may write to them. */
export function sharedZeros(): (shape: readonly number[]) => Tensor {
  const made = new Map<string, Tensor>();
  return (shape) => {
    const key = shape.join();
    const known = made.get(key) ?? zeros(shape);
    made.set(key, known);
    return known;
  };
}
