/**
 * The batches that a search works on: the noise and subjects that a sampler
 * starts from, and the path that the full sampler takes from there. Never the pictures that are evaluated.
 */
import { type LoadedModel, ofFamily } from "@dip-go/core/models";
import {
  latentsShape,
  type SamplingInputs,
  type Subject,
} from "@dip-go/core/pipeline";
import { TorchGenerator } from "@dip-go/core/random";
import { drawStepNoise } from "@dip-go/core/samplers";
import type { Tensor } from "@dip-go/core/tensor";
import { denseGates } from "@dip-go/supernet/gates";
import type { SubNetRunner } from "@dip-go/supernet/sampling";
import { meanSquaredError, range, rowsOf, sum } from "./numbers.ts";

/** The start of B pictures, and the full sampler's trajectory from there. */
export interface CalibrationBatch extends SamplingInputs {
  /** Latents before each step, then the final ones: T + 1 arrays. */
  readonly trajectory: readonly Float32Array[];
  /** Guided predictions of each step: T arrays. */
  readonly predictions: readonly Float32Array[];
}

/** Runs the full sampler on a batch and keeps every step. */
export async function calibrate(
  runner: SubNetRunner,
  inputs: SamplingInputs,
): Promise<CalibrationBatch> {
  const trajectory: Float32Array[] = [];
  const predictions: Float32Array[] = [];
  const final = await runner.sample({
    ...inputs,
    gates: denseGates(runner.net.steps, runner.net.units.length),
    observe: async (step) => {
      const { state, prediction } = await step.read();
      trajectory.push(state.latents);
      predictions.push(prediction);
    },
  });
  trajectory.push(final.data);
  return { ...inputs, trajectory, predictions };
}

/** How calibration batches are drawn. */
export interface CalibrationDraw
  extends Pick<SamplingInputs, "sampler" | "guidanceScale"> {
  /** Of noise, and of subjects that are drawn at random. */
  readonly seed: number;
  /** The subject of the i-th picture of all batches. */
  subject(i: number, random: TorchGenerator): Subject;
  /** The network's inputs for B subjects. */
  conditioning(
    subjects: readonly Subject[],
  ): Promise<SamplingInputs["conditioning"]>;
}

/**
 * The subject of the i-th picture: the i-th of a list, from the start again at its
 * end, or a class drawn at random.
 *
 * @throws {TypeError} If there is no list, and the model is none of classes.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { loadPipeline } from "@dip-go/core";
 * import { TorchGenerator } from "@dip-go/core/random";
 * import { subjectAt } from "@dip-go/pruner/methods";
 *
 * const { model } = await loadPipeline("zoo/models/sd-shapes");
 * const random = new TorchGenerator(0);
 * assertEquals(subjectAt(2, { model, list: ["a", "b"], random }), "a");
 * ```
 */
export function subjectAt(
  i: number,
  { model, list, random }: {
    readonly model: LoadedModel;
    readonly list?: readonly Subject[];
    readonly random: TorchGenerator;
  },
): Subject {
  if (list) return list[i % list.length];
  const { config: { classes } } = ofFamily(model, "dit", "draw a class");
  return Math.floor(random.uniform() * classes);
}

/** Which batches are drawn. */
interface DrawnRange {
  readonly count: number;
  /** Batches that are drawn and left out before them; 0 by default. */
  readonly first?: number;
}

/**
 * The starts of the batches from `first` on, drawn one after another from one
 * generator: subjects, then noise.
 *
 * @param shape Of a batch's latents, `[B, C, H, W]`.
 */
export async function drawStarts(
  shape: readonly number[],
  { count, first = 0, seed, sampler, guidanceScale, ...draw }:
    & CalibrationDraw
    & DrawnRange,
): Promise<SamplingInputs[]> {
  const [images] = shape;
  const random = new TorchGenerator(seed);
  const drawn: SamplingInputs[] = [];
  for (let batch = 0; batch < first + count; batch++) {
    const subjects = range(images)
      .map((i) => draw.subject(batch * images + i, random));
    const latents = random.randn(shape);
    const noise = drawStepNoise(sampler, { shape, random });
    if (batch < first) continue;
    const conditioning = await draw.conditioning(subjects);
    drawn.push({ latents, noise, conditioning, sampler, guidanceScale });
  }
  return drawn;
}

/** The batches from `first` on, each as large as the runner's, sampled by the full sampler. */
export async function drawCalibration(
  runner: SubNetRunner,
  draw: CalibrationDraw & DrawnRange,
): Promise<CalibrationBatch[]> {
  const shape = latentsShape(runner.net.model, draw.guidanceScale);
  const batches: CalibrationBatch[] = [];
  for (const inputs of await drawStarts(shape, draw)) {
    batches.push(await calibrate(runner, inputs));
  }
  return batches;
}

/** Fidelity of a batch's final latents `[B, ...]` to the full sampler's: mean over samples of −10 log10 MSE, in dB. */
export function fidelityTo(
  { trajectory }: CalibrationBatch,
  { data, shape: [samples] }: Tensor<"float32">,
): number {
  const targets = rowsOf(trajectory.at(-1)!, samples);
  const logs = rowsOf(data, samples).map((own, b) =>
    10 * Math.log10(Math.max(meanSquaredError(own, targets[b]), 1e-12))
  );
  return -sum(logs) / samples;
}
