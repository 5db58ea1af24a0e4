/** Noise on rendered pictures, which keeps a classifier from relying on their exact pixels. */
import { float32, type Tensor } from "@dip-go/core/tensor";
import { fillNormal } from "../teaching/diffusion_loss.ts";

/** Largest standard deviation of the noise, on pictures in [-1, 1]. */
const largestNoise = 0.15;

/** Adds noise to pictures `[B, C, H, W]`, each with a deviation uniform in [0, {@linkcode largestNoise}]. */
export function withNoise(
  { shape, data }: Tensor<"float32">,
  uniform: () => number,
): Tensor<"float32"> {
  const noise = new Float32Array(data.length);
  fillNormal(noise, uniform);
  const size = data.length / shape[0];
  for (let b = 0; b < shape[0]; b++) {
    const deviation = largestNoise * uniform();
    for (let i = b * size; i < (b + 1) * size; i++) {
      noise[i] = data[i] + deviation * noise[i];
    }
  }
  return float32(shape, noise);
}
