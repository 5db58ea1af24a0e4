/** Rectified flow (Liu et al., 2023) with times from a logit-normal distribution (Esser et al., 2024). */
import { float32, type Tensor } from "@dip-go/core/tensor";
import { fillNormal } from "./diffusion_loss.ts";

/**
 * Draws the inputs of a flow's loss, except the conditions, for clean latents x0
 * `[B, C, H, W]`: x_σ = (1 − σ) x0 + σ ε with σ = 1 / (1 + exp(−z)), z standard
 * normal; target ε − x0; timestep 1000 σ. All weights are 1.
 */
export function flowBatch(
  clean: Tensor<"float32">,
  uniform: () => number,
): Record<"sample" | "timestep" | "target" | "weight", Tensor<"float32">> {
  const batch = clean.shape[0];
  const size = clean.data.length / batch;
  const noise = new Float32Array(clean.data.length);
  fillNormal(noise, uniform);
  const levels = new Float32Array(batch);
  fillNormal(levels, uniform);
  const sigmas = levels.map((z) => 1 / (1 + Math.exp(-z)));
  const sample = clean.data.map((x0, i) => {
    const sigma = sigmas[Math.floor(i / size)];
    return (1 - sigma) * x0 + sigma * noise[i];
  });
  return {
    sample: float32(clean.shape, sample),
    timestep: float32([batch], sigmas.map((sigma) => 1000 * sigma)),
    target: float32(clean.shape, noise.map((e, i) => e - clean.data[i])),
    weight: float32([batch, 1, 1, 1], new Float32Array(batch).fill(1)),
  };
}
