/**
 * The batch that a search works on: noise and classes, and what the full
 * sampler makes of them, step by step. Never the pairs that are evaluated.
 */
import type { TorchGenerator } from "../core/random.ts";
import type { Sampler } from "../core/samplers/sampler.ts";
import {
  drawStepNoise,
  type StepNoise,
} from "../core/samplers/sampler_state.ts";
import type { Tensor } from "../core/tensor.ts";
import { denseGates } from "../supernet/gates.ts";
import { guidedLabels } from "../supernet/guidance.ts";
import type { SubNetRunner } from "../supernet/sub_net.ts";

/** How a model is sampled, apart from noise and gates. */
export interface SamplingSetup {
  readonly sampler: Sampler;
  readonly guidanceScale: number;
  /** Classes of the model; the null class of guidance has this index. */
  readonly classes: number;
}

/** What one batch is made from: initial noise `[B, C, H, W]` and labels for both halves of guidance, `[2B]`. */
export interface Batch {
  readonly latents: Tensor<"float32">;
  /** For the steps at which the sampler adds noise. */
  readonly noise: StepNoise;
  readonly conditioning: { readonly class_labels: Tensor<"int64"> };
}

/** A batch with the full sampler's trajectory. */
export interface CalibrationBatch extends Batch {
  /** Latents before each step, then the final ones: T + 1 arrays. */
  readonly trajectory: readonly Float32Array[];
  /** Guided predictions of each step: T arrays. */
  readonly predictions: readonly Float32Array[];
}

/** Noise and uniformly drawn classes for a runner's batch. */
export function drawBatch(
  runner: SubNetRunner,
  { classes, sampler }: SamplingSetup,
  random: TorchGenerator,
): Batch {
  const { shape } = runner.net.model.inputs[0];
  const size = shape[0] / 2;
  const labels = Array.from(
    { length: size },
    () => Math.floor(random.uniform() * classes),
  );
  const latents = random.randn(shape.with(0, size));
  return {
    latents,
    noise: drawStepNoise(sampler, { shape: latents.shape, random }),
    conditioning: {
      class_labels: guidedLabels(labels, classes),
    },
  };
}

/** Runs the full sampler on a batch and keeps every step. */
export async function calibrate(
  runner: SubNetRunner,
  setup: SamplingSetup,
  batch: Batch,
): Promise<CalibrationBatch> {
  const trajectory: Float32Array[] = [];
  const predictions: Float32Array[] = [];
  const final = await runner.sample({
    ...batch,
    ...setup,
    gates: denseGates(runner.net.steps, runner.net.units.length),
    observe: ({ state, prediction }) => {
      trajectory.push(state.latents);
      predictions.push(prediction);
    },
  });
  trajectory.push(final.data);
  return { ...batch, trajectory, predictions };
}

/** A random cotangent on a batch's images with E‖v‖² = 1 a sample, `[B, C, H, W]`. */
export function randomCotangent(
  batch: Batch,
  random: TorchGenerator,
): Float32Array {
  const { shape, data } = batch.latents;
  const scale = 1 / Math.sqrt(data.length / shape[0]);
  return random.randn(shape).data.map((v) => scale * v);
}
