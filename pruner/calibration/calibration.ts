/**
 * The batch that a search works on: noise and what the pictures are of, and
 * what the full sampler makes of them, step by step. Never the pairs that are
 * evaluated.
 */
import type { SamplingInputs } from "@dip-go/core/pipeline";
import type { TorchGenerator } from "@dip-go/core/random";
import {
  drawStepNoise,
  type Sampler,
  type StepNoise,
} from "@dip-go/core/samplers";
import type { Tensor } from "@dip-go/core/tensor";
import { denseGates } from "@dip-go/supernet/gates";
import type { SubNetRunner } from "@dip-go/supernet/sampling";

/** How a model is sampled, apart from noise and gates. */
export interface SamplingSetup {
  readonly sampler: Sampler;
  readonly guidanceScale: number;
}

/** What one batch is made from: initial noise `[B, C, H, W]`, and the model's other inputs for both halves of guidance, batch 2B. */
export interface Batch {
  readonly latents: Tensor<"float32">;
  /** For the steps at which the sampler adds noise. */
  readonly noise: StepNoise;
  readonly conditioning: SamplingInputs["conditioning"];
}

/** A batch with the full sampler's trajectory. */
export interface CalibrationBatch extends Batch {
  /** Latents before each step, then the final ones: T + 1 arrays. */
  readonly trajectory: readonly Float32Array[];
  /** Guided predictions of each step: T arrays. */
  readonly predictions: readonly Float32Array[];
}

/** A runner's batch with this conditioning and drawn noise. */
export function drawBatch(
  runner: SubNetRunner,
  { sampler, conditioning, random }: {
    sampler: Sampler;
    conditioning: Batch["conditioning"];
    random: TorchGenerator;
  },
): Batch {
  const [{ shape }] = runner.net.model.inputs;
  const latents = random.randn(shape.with(0, shape[0] / 2));
  return {
    latents,
    noise: drawStepNoise(sampler, { shape: latents.shape, random }),
    conditioning,
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
    observe: async (step) => {
      const { state, prediction } = await step.read();
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
