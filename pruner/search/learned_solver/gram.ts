/** Inner products of all that a solver combines and should reach, which is all that the beam reads. */
import { halvesOf } from "@dip-go/core/pipeline";
import { dot, range, rowsOf } from "../../numbers.ts";
import type { Teacher } from "./teacher.ts";

/** Mean float64 products of elements, `[size, size]`: the noise, outputs by step and half, states 1 to T. */
export interface Gram {
  readonly steps: number;
  /** The number of outputs of a step. */
  readonly halves: number;
  readonly products: readonly (readonly number[])[];
}

/** The index of an output among the elements. */
export const outputAt = (
  { halves }: Pick<Gram, "halves">,
  step: number,
  half: number,
): number => 1 + step * halves + half;

/** The element of the state before a step; step T has the final latents, step 0 the noise. */
export const stateAt = (
  { steps, halves }: Pick<Gram, "steps" | "halves">,
  step: number,
): number => step === 0 ? 0 : steps * halves + step;

/** A linear form: weights of elements. */
export type Form = readonly (readonly [element: number, weight: number])[];

/** The forms of one evaluation's outputs: each by itself, or all as one with guidance's weights. */
export function outputForms(
  first: number,
  count: number,
  guidance?: readonly number[],
): Form[] {
  const own = range(count).map((half) => first + half);
  return guidance?.length === count
    ? [own.map((at, half) => [at, guidance[half]])]
    : own.map((at) => [[at, 1]]);
}

/** The Gram matrix of a teacher's trajectories. */
export function gramOf({ sampler, guidanceScale, batches }: Teacher): Gram {
  const steps = sampler.steps.length;
  const halves = halvesOf(guidanceScale);
  const products = meanProducts(
    batches.map(({ latents: { data }, outputs, states, target }) => [
      data,
      ...outputs.flatMap((own) => rowsOf(own, halves)),
      ...states.slice(1).map(({ latents }) => latents),
      target,
    ]),
  );
  return { steps, halves, products };
}

/** The mean products of each two arrays of a batch, over their elements and the batches, in float64. */
export function meanProducts(
  batches: readonly (readonly Float32Array[])[],
): number[][] {
  const products: number[][] = [];
  const share = 1 / (batches.length * batches[0][0].length);
  for (const arrays of batches) addProducts(products, arrays, share);
  return products;
}

/** Adds the products of each two arrays, times `share`, to `products`. */
export function addProducts(
  products: number[][],
  arrays: readonly Float32Array[],
  share = 1,
): void {
  arrays.forEach((array, a) => {
    const row = products[a] ??= arrays.map(() => 0);
    for (let b = 0; b <= a; b++) {
      row[b] += share * dot(array, arrays[b]);
      products[b][a] = row[b];
    }
  });
}
