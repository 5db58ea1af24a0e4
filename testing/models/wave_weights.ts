/** Weights and inputs by formulas that Python can compute too: references store outputs alone. */
import type { WeightSource } from "@dip-go/core/models";
import { float32, sizeOf, type Tensor } from "@dip-go/core/tensor";

/** A tensor of sin(i), i in row-major order. */
export const waves = (shape: readonly number[]): Tensor<"float32"> =>
  float32(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i)),
  );

/** Weights sin(h + 1.7 i) / √(fan in), h the sum of the key's character codes; vectors have a fan in of 4. */
export const waveWeights: WeightSource = (key, shape) => {
  const h = Array.from(key, (c) => c.charCodeAt(0)).reduce((a, b) => a + b, 0);
  const fanIn = shape.length > 1 ? sizeOf(shape.slice(1)) : 4;
  const data = Float32Array.from(
    { length: sizeOf(shape) },
    (_, i) => Math.sin(h + 1.7 * i) / Math.sqrt(fanIn),
  );
  return { data: float32(shape, data) };
};
