/** Exponential moving average of parameters, the weights that a diffusion model samples with. */

/**
 * average ← d·average + (1 − d)·parameters, in place, where d rises to `decay`
 * as min(decay, (1 + n) / (10 + n)) so that early weights are forgotten.
 *
 * @param update Index n of the update just made, from 0.
 */
export function updateAverage(
  average: Float32Array,
  parameters: Float32Array,
  { decay, update }: { decay: number; update: number },
): void {
  const d = Math.min(decay, (1 + update) / (10 + update));
  for (let i = 0; i < average.length; i++) {
    average[i] += (1 - d) * (parameters[i] - average[i]);
  }
}
