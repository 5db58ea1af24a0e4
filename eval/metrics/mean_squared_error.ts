/** Mean squared error, in float64 whatever the tensors' precision. */
import { describe, sameShape, type Tensor } from "@dip-go/core/tensor";

/**
 * The mean squared difference of each sample of a batch.
 *
 * @param a `[B, ...]`.
 * @param b Of the same shape.
 * @returns One value a sample, `[B]`.
 * @throws {TypeError} If the shapes differ.
 */
export function meanSquaredErrors(
  a: Tensor<"float32">,
  b: Tensor<"float32">,
): number[] {
  if (!sameShape(a.shape, b.shape)) {
    throw new TypeError(
      `Cannot take mean squared errors: found ${describe(a)} and ${
        describe(b)
      }, expected one shape`,
    );
  }
  const [count] = a.shape;
  const size = a.data.length / count;
  return Array.from({ length: count }, (_, n) => {
    let squares = 0;
    for (let i = n * size; i < (n + 1) * size; i++) {
      squares += (a.data[i] - b.data[i]) ** 2;
    }
    return squares / size;
  });
}
