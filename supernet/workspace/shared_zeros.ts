/** Zeros to feed to sessions. */
import { type Tensor, zeros } from "@dip-go/core/tensor";

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
