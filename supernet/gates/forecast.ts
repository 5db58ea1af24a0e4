/**
 * What a held prediction is replaced by: a combination of the last computed
 * ones with three scalars a step,
 *
 *   e = (1 + a) h0 + b (h0 − h1) + c (h1 − h2),
 *
 * h0 the latest. Zeros hold h0; b alone is linear extrapolation. It costs no MACs.
 */

/** The scalars (a, b, c) of one step. */
export type ForecastScalars = readonly [number, number, number];

/** One row a step; steps that compute their prediction ignore theirs. */
export type Forecast = readonly ForecastScalars[];

/** Computed predictions that a forecast reads at most. */
export const historyLength = 3;

/** Weight of each held prediction, latest first; terms that need more history than there is are dropped. */
export function historyWeights(
  [a, b, c]: ForecastScalars,
  available: number,
): number[] {
  const [B, C] = [available > 1 ? b : 0, available > 2 ? c : 0];
  return [1 + a + B, C - B, -C].slice(0, available);
}

/** dL/d(a, b, c) from the forecast's cotangent. */
export function forecastVjp(
  history: readonly Float32Array[],
  cotangent: Float32Array,
): [number, number, number] {
  const [h0, h1, h2] = history;
  let [a, b, c] = [0, 0, 0];
  for (let i = 0; i < cotangent.length; i++) {
    const d = cotangent[i];
    a += d * h0[i];
    if (h1) b += d * (h0[i] - h1[i]);
    if (h2) c += d * (h1[i] - h2[i]);
  }
  return [a, b, c];
}
