/** Inner products of everything that a solver combines and of everything that it should reach: all that the search of a schedule reads. */
import { halvesOf } from "@dip-go/core/pipeline";
import { dot, range, rowsOf } from "../../numbers.ts";
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

/** Weights of elements. */
export type Form = readonly (readonly [element: number, weight: number])[];

/** How the outputs of one evaluation enter: each by itself, or all with guidance's weights as one. */
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

/** Means of products of each two arrays of a batch, over their elements and the batches; in float64. */
export function meanProducts(
  batches: readonly (readonly Float32Array[])[],
): number[][] {
  const products: number[][] = [];
  const share = 1 / (batches.length * batches[0][0].length);
  for (const arrays of batches) addProducts(products, arrays, share);
  return products;
}

/** Adds products of each two arrays to those of others before. */
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
