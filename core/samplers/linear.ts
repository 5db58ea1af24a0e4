/**
 * Linear combinations of all latents and predictions that a sampler has seen. A
 * scheduler that reads several steps writes its update in these, as its paper
 * does, and {@linkcode stepOf} turns the update into coefficients.
 */
import type { Combination } from "./schedule/prediction.ts";
import type { SamplerStep } from "./sampler.ts";

/** Coefficients of latents and predictions by call; a missing one is 0. */
export interface Linear {
  readonly latents: ReadonlyMap<number, number>;
  readonly predictions: ReadonlyMap<number, number>;
}

const none = new Map<number, number>();

/** The latents before call i. */
export const latentsOf = (i: number): Linear => ({
  latents: new Map([[i, 1]]),
  predictions: none,
});

/** A combination of call i's latents and prediction. */
export const ofCall = (i: number, { x, prediction }: Combination): Linear => ({
  latents: new Map([[i, x]]),
  predictions: new Map([[i, prediction]]),
});

/** Σ factor · term. */
export function sum(...terms: readonly (readonly [number, Linear])[]): Linear {
  const add = (key: keyof Linear) => {
    const total = new Map<number, number>();
    for (const [factor, term] of terms) {
      for (const [i, value] of term[key]) {
        total.set(i, (total.get(i) ?? 0) + factor * value);
      }
    }
    return total;
  };
  return { latents: add("latents"), predictions: add("predictions") };
}

/** a − b. */
export const difference = (a: Linear, b: Linear): Linear =>
  sum([1, a], [-1, b]);

/** The step after call i to `next`; by default the input is not scaled and no noise is added. */
export function stepOf(
  i: number,
  { next, inputScale = 1, noise = 0, ...rest }:
    & Pick<SamplerStep, "timestep" | "clip">
    & Partial<Pick<SamplerStep, "inputScale" | "noise">>
    & { readonly next: Linear },
): SamplerStep {
  return {
    ...rest,
    inputScale,
    latents: latestFirst(i, next.latents),
    predictions: latestFirst(i, next.predictions),
    noise,
  };
}

/** Coefficients of call i and the calls before it, as far back as any is not 0. */
function latestFirst(i: number, by: ReadonlyMap<number, number>): number[] {
  const read = [...by].filter(([, value]) => value !== 0).map(([k]) => i - k);
  const reach = Math.max(0, ...read);
  return Array.from({ length: reach + 1 }, (_, k) => by.get(i - k) ?? 0);
}
