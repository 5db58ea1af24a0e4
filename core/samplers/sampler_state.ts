/** The steps of any sampler: forward, and solved for the prediction. */
import type { TorchGenerator } from "../tensor/random.ts";
import { times } from "../tensor/vectors.ts";
import { boundedClean, cleanOf } from "./bounds.ts";
import type { Sampler, SamplerStep } from "./sampler.ts";

/** The latents before a step and the prediction that it used, each `[B, C, H, W]`; flat, or of another type `V`. */
export interface PastStep<V = Float32Array> {
  readonly latents: V;
  readonly prediction: V;
}

/** The state between two steps, an immutable value. */
export interface SamplerState<V = Float32Array> {
  /** `[B, C, H, W]`. */
  readonly latents: V;
  /** The steps before, latest first, at most as many as the sampler's memory. */
  readonly past: readonly PastStep<V>[];
}

/** Standard normal noise `[B, C, H, W]` for each step that adds some, undefined for the others. */
export type StepNoise = readonly (Float32Array | undefined)[];

/** The state before step 0, from standard normal noise `[B, C, H, W]`. */
export function startState(
  { initNoiseSigma }: Sampler,
  noise: Float32Array,
): SamplerState {
  return { latents: times(noise, initNoiseSigma), past: [] };
}

/** Noise for the steps that add it, drawn in sampling order; nothing is drawn for the others. */
export function drawStepNoise(
  { steps }: Sampler,
  { shape, random }: { shape: readonly number[]; random: TorchGenerator },
): StepNoise {
  return steps.map(({ noise }) =>
    noise === 0 ? undefined : random.randn(shape).data
  );
}

/** The inputs of a step. */
export interface StepInputs<V = Float32Array> {
  readonly state: SamplerState<V>;
  /** The model's prediction after guidance, of the latents' shape. */
  readonly prediction: V;
  /** Standard normal noise of the latents' shape; needed if the step adds noise, else unused. */
  readonly noise?: V;
}

/** The state after a step that leads to the latents `next`. */
export const stateAfter = <V>(
  { memory }: Sampler,
  { state: { latents, past }, prediction, next }:
    & Pick<StepInputs<V>, "state" | "prediction">
    & { readonly next: V },
): SamplerState<V> => ({
  latents: next,
  past: [{ latents, prediction }, ...past].slice(0, memory),
});

/**
 * The state after step `i`.
 *
 * @param inputs.images The number of pictures B, as thresholding looks at each; 1 by default.
 * @throws {TypeError} If the step adds noise and none is given.
 * @throws {RangeError} If there is no step `i`, or the arrays differ in length.
 */
export function nextState(
  sampler: Sampler,
  i: number,
  { state, prediction, noise, images = 1 }: StepInputs & { images?: number },
): SamplerState {
  const { latents, past } = state;
  const step = stepAt(sampler, i);
  checkLengths(sampler, { latents, prediction, noise });
  if (step.noise !== 0 && !noise) {
    throw new TypeError(
      `Cannot step ${sampler.name}: step ${i} adds noise and none is given`,
    );
  }
  const own = { latents, prediction };
  const sum = combination(step, [own, ...past], noise);
  const { clip } = step;
  if (!clip) {
    const next = new Float32Array(sum);
    return stateAfter(sampler, { state, prediction, next });
  }
  const clean = cleanOf(clip, own);
  const bounded = boundedClean(clip, clean, images);
  const next = Float32Array.from(
    sum,
    (value, j) => value + clip.factor * (bounded[j] - clean[j]),
  );
  const { quantile, clean: { prediction: share } } = clip;
  // The prediction that corresponds to the bounded clean sample.
  const seen = quantile === undefined
    ? prediction
    : prediction.map((value, j) => value + (bounded[j] - clean[j]) / share);
  return stateAfter(sampler, { state, prediction: seen, next });
}

/**
 * The prediction with which step `i` leads to the latents `next`.
 *
 * @throws {TypeError} If the step clips, so that many predictions lead to `next`, or none.
 * @throws {RangeError} If there is no step `i`, or it does not read its prediction.
 */
export function predictionFor(
  sampler: Sampler,
  i: number,
  { state, next, noise }: Pick<StepInputs, "state" | "noise"> & {
    readonly next: Float32Array;
  },
): Float32Array {
  const step = stepAt(sampler, i);
  const [own, ...others] = step.predictions;
  if (step.clip) {
    throw new TypeError(
      `Cannot solve ${sampler.name} for its prediction: step ${i} clips samples (clip_sample), expected a linear step`,
    );
  }
  if (!own) {
    throw new RangeError(
      `Cannot solve ${sampler.name} for its prediction: step ${i} does not read it`,
    );
  }
  const read = [{ latents: state.latents, prediction: next }, ...state.past];
  const rest = combination(
    { ...step, predictions: [0, ...others] },
    read,
    noise,
  );
  return next.map((value, j) => (value - rest[j]) / own);
}

/** The linear part of a step, in float64. */
function combination(
  step: SamplerStep,
  read: readonly PastStep[],
  noise: Float32Array | undefined,
): Float64Array {
  const sum = new Float64Array(read[0].latents.length);
  step.latents.forEach((c, k) => addTo(sum, c, read[k].latents));
  step.predictions.forEach((c, k) => addTo(sum, c, read[k].prediction));
  if (noise) addTo(sum, step.noise, noise);
  return sum;
}

function addTo(sum: Float64Array, factor: number, array: Float32Array): void {
  if (factor === 0) return;
  for (let j = 0; j < sum.length; j++) sum[j] += factor * array[j];
}

function stepAt({ name, steps }: Sampler, i: number): SamplerStep {
  const step = steps[i];
  if (step) return step;
  throw new RangeError(
    `Cannot step ${name}: step is ${i}, expected an integer from 0 to ${
      steps.length - 1
    }`,
  );
}

function checkLengths(
  { name }: Sampler,
  arrays:
    & { readonly latents: Float32Array }
    & Record<string, Float32Array | undefined>,
): void {
  const { latents: { length } } = arrays;
  for (const [key, array] of Object.entries(arrays)) {
    if (!array || array.length === length) continue;
    throw new RangeError(
      `Cannot step ${name}: ${key} has ${array.length} elements, expected ${length} as the latents`,
    );
  }
}

/**
 * Refuses a sampler whose steps are not piecewise linear.
 *
 * @param doing A verb for the refused action.
 * @throws {TypeError} If a step has dynamic thresholding.
 */
export function refuseThresholding(
  { name, steps }: Sampler,
  doing: string,
): void {
  const i = steps.findIndex(({ clip }) => clip?.quantile !== undefined);
  if (i === -1) return;
  throw new TypeError(
    `Cannot ${doing} ${name}: step ${i} has dynamic thresholding (thresholding true), expected a step that is linear in pieces; only the full sampler does it`,
  );
}
