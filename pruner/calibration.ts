/**
 * Calibration batches, on which searches work: noise, subjects and the full
 * sampler's trajectory. The evaluated pictures are never among them.
 */
import { type LoadedModel, ofFamily } from "@dip-go/core/models";
import type { SamplingInputs, Subject } from "@dip-go/core/pipeline";
import { TorchGenerator } from "@dip-go/core/random";
import { drawStepNoise } from "@dip-go/core/samplers";
import type { Tensor } from "@dip-go/core/tensor";
import { denseGates } from "@dip-go/supernet/gates";
import type { SubNetRunner } from "@dip-go/supernet/sampling";
import { meanSquaredError, range, rowsOf, sum } from "./numbers.ts";

/** The noise and conditioning of B pictures, and the full sampler's trajectory from them. */
export interface CalibrationBatch extends SamplingInputs {
  /** The latents before each step, then the final ones: T + 1 arrays. */
  readonly trajectory: readonly Float32Array[];
  /** The guided prediction of each step: T arrays. */
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

/** Calibration batches to draw. */
export interface CalibrationDraw
  extends Pick<SamplingInputs, "sampler" | "guidanceScale"> {
  readonly count: number;
  /** The number of batches that are drawn and discarded before them; 0 by default. */
  readonly first?: number;
  /** The seed of the noise and of subjects that are drawn at random. */
  readonly seed: number;
  /** Returns the subject of the i-th picture of all batches. */
  subject(i: number, random: TorchGenerator): Subject;
  /** Makes the network's inputs for B subjects. */
  conditioning(
    subjects: readonly Subject[],
  ): Promise<SamplingInputs["conditioning"]>;
}

/**
 * Returns the subject of the i-th picture: the i-th entry of a list, which repeats,
 * or a class drawn at random.
 *
 * @throws {TypeError} If there is no list, and the model does not draw classes.
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

/**
 * Draws the starts of `count` batches from `first` on, one after another from one
 * generator: subjects, then noise.
 *
 * @param shape The shape of a batch's latents, `[B, C, H, W]`.
 */
export async function drawStarts(
  shape: readonly number[],
  { count, first = 0, seed, sampler, guidanceScale, ...draw }: CalibrationDraw,
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

/** The fidelity of final latents `[B, ...]` to the full sampler's: mean of −10 log10 MSE over samples, in dB. */
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
