/**
 * FORA (Selvaraju et al., "FORA: Fast-Forward Caching in Diffusion Transformer
 * Acceleration", arXiv 2407.01425): every attention and MLP is computed at the
 * first step and at every `interval`-th, counted from the last as its authors'
 * code does; the rest runs at every step.
 */
import { range } from "../numbers.ts";
import { layersPlan } from "./caches/held_plan.ts";
import { keyMethod } from "./key_method.ts";

/**
 * The steps at which attention and MLPs compute, ascending.
 *
 * @throws {RangeError} If the interval is not a whole number from 1.
 */
export function foraKeys(interval: number, steps: number): number[] {
  if (!Number.isInteger(interval) || interval < 1) {
    throw new RangeError(
      `Cannot plan FORA: interval is ${interval}, expected 1 or more`,
    );
  }
  return range(steps)
    .filter((t) => t === 0 || (steps - 1 - t) % interval === 0);
}

/** FORA at the smallest interval that fits; ungated blocks run at every step, so that none may fit. */
export const fora = keyMethod("fora", { keys: foraKeys, plan: layersPlan });
