/** Inner products of everything that a solver combines and of everything that it should reach: all that the search of a schedule reads. */
import { halvesOf } from "@dip-go/core/pipeline";
import type { Teacher } from "./teacher.ts";

/** Means of products of elements, `[size, size]`, in float64. Elements: the noise, outputs by step and half, states 1 to T. */
export interface Gram {
  readonly steps: number;
  /** Outputs of a step. */
  readonly halves: number;
  readonly products: readonly (readonly number[])[];
}

/** Where an output is among the elements. */
export const outputAt = (
  { halves }: Pick<Gram, "halves">,
  step: number,
  half: number,
): number => 1 + step * halves + half;

/** Where the state before a step is; step T is the final latents. State 0 is noise. */
export const stateAt = (
  { steps, halves }: Pick<Gram, "steps" | "halves">,
  step: number,
): number => step === 0 ? 0 : steps * halves + step;

/** The Gram matrix of a teacher's trajectories. */
export function gramOf({ sampler, guidanceScale, batches }: Teacher): Gram {
  const steps = sampler.steps.length;
  const halves = halvesOf(guidanceScale);
  const size = 1 + steps * halves + steps;
  const products = Array.from(
    { length: size },
    () => Array<number>(size).fill(0),
  );
  for (const { latents: { data }, outputs, states, target } of batches) {
    const elements = [
      data,
      ...outputs.flatMap((own) => rowsOf(own, halves)),
      ...states.slice(1).map(({ latents }) => latents),
      target,
    ];
    const share = 1 / (batches.length * data.length);
    for (let a = 0; a < size; a++) {
      for (let b = 0; b <= a; b++) {
        products[a][b] += share * dot(elements[a], elements[b]);
      }
    }
  }
  for (let a = 0; a < size; a++) {
    for (let b = 0; b < a; b++) products[b][a] = products[a][b];
  }
  return { steps, halves, products };
}

/** Consecutive parts of equal length. */
export function rowsOf(array: Float32Array, count: number): Float32Array[] {
  const size = array.length / count;
  return Array.from(
    { length: count },
    (_, i) => array.subarray(i * size, (i + 1) * size),
  );
}

/** In float64. */
export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
