/**
 * The training objective of the embedded diffusion models: v-prediction
 * (Salimans and Ho, 2022), with min-SNR weights (Hang et al., 2023) or without.
 */
import { type BlockGraph, wholeGraph } from "@dip-go/core/models";
import { type Graph, GraphBuilder, type Value } from "@dip-go/core/onnx";
import { float32, type Tensor } from "@dip-go/core/tensor";

/** Fills an array with standard normal numbers from a uniform source, by Box and Muller's transform. */
export function fillNormal(target: Float32Array, uniform: () => number): void {
  for (let i = 0; i < target.length; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    target[i] = radius * Math.cos(angle);
    if (i + 1 < target.length) target[i + 1] = radius * Math.sin(angle);
  }
}

/**
 * Adds inputs `target` `[B, C, H, W]` and `weight` `[B, 1, 1, 1]` to a graph.
 *
 * @returns The loss, the mean of weight · (prediction − target)².
 */
export function diffusionLoss(g: GraphBuilder, prediction: Value): Value {
  const target = g.input("target", "float32", prediction.shape);
  const weight = g.input("weight", "float32", [prediction.shape[0], 1, 1, 1]);
  const difference = g.sub(prediction, target);
  const weighted = g.mul(weight, g.mul(difference, difference));
  return g.reduceMean(weighted, { keepDims: false });
}

/** A model's graph with the inputs of {@linkcode diffusionLoss} and output `loss`. */
export function diffusionLossGraph(model: BlockGraph): Graph {
  const whole = wholeGraph(model);
  const g = GraphBuilder.continuing(whole, `${model.model}:loss`);
  return g.build({ loss: diffusionLoss(g, g.value(model.output)) });
}

export interface NoisingOptions {
  /** ᾱ_t of the training schedule. */
  readonly alphasCumprod: ArrayLike<number>;
  /** Cap γ of the signal-to-noise ratio in the weight; without one all weights are 1. */
  readonly snrCap?: number;
  /** The timestep of each picture; drawn uniformly by default. */
  readonly timesteps?: readonly number[];
}

/**
 * Draws the inputs of {@linkcode diffusionLossGraph}, except the conditions, for
 * clean pictures or latents x0 `[B, C, H, W]`: x_t = α x0 + σ ε, target
 * v = α ε − σ x0, weight min(SNR, γ) / (SNR + 1) or 1.
 */
export function noisedBatch(
  clean: Tensor<"float32">,
  uniform: () => number,
  { alphasCumprod, snrCap, timesteps: given }: NoisingOptions,
): Record<"sample" | "timestep" | "target" | "weight", Tensor<"float32">> {
  const batch = clean.shape[0];
  const size = clean.data.length / batch;
  const noise = new Float32Array(clean.data.length);
  fillNormal(noise, uniform);
  const sample = new Float32Array(noise.length);
  const target = new Float32Array(noise.length);
  const weight = new Float32Array(batch);
  const timesteps = given ?? Array.from(
    { length: batch },
    () => Math.floor(uniform() * alphasCumprod.length),
  );
  timesteps.forEach((t, b) => {
    const [alpha, sigma] = [
      Math.sqrt(alphasCumprod[t]),
      Math.sqrt(1 - alphasCumprod[t]),
    ];
    const snr = alphasCumprod[t] / (1 - alphasCumprod[t]);
    weight[b] = snrCap === undefined ? 1 : Math.min(snr, snrCap) / (snr + 1);
    for (let i = b * size; i < (b + 1) * size; i++) {
      sample[i] = alpha * clean.data[i] + sigma * noise[i];
      target[i] = alpha * noise[i] - sigma * clean.data[i];
    }
  });
  return {
    sample: float32(clean.shape, sample),
    timestep: float32([batch], Float32Array.from(timesteps)),
    target: float32(clean.shape, target),
    weight: float32([batch, 1, 1, 1], weight),
  };
}
