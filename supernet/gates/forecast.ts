/**
 * The forecast: a payload of the whole step in three scalars a step,
 *
 *   e = (1 + a) h0 + b (h0 − h1) + c (h1 − h2),
 *
 * with h0 the newest prediction. Zeros hold h0; b alone is linear extrapolation.
 * Fits use the scalars, which are the better parameters; sampling uses coefficients.
 */
import { computedBefore, type Payload, type PayloadRow } from "./payloads.ts";

/** The scalars (a, b, c) of one step. */
export type ForecastScalars = readonly [number, number, number];

/** The scalars of every step. */
export type Forecast = readonly ForecastScalars[];

/** The coefficients of the predictions `computed` so far; terms that need more predictions are dropped. */
export function forecastRow(
  [a, b, c]: ForecastScalars,
  computed: number,
): PayloadRow {
  const [B, C] = [computed > 1 ? b : 0, computed > 2 ? c : 0];
  return [1 + a + B, C - B, 0 - C].slice(0, computed);
}

/** The gradient dL/d(a, b, c) from the gradient of the coefficients. */
export const forecastGradient = (
  [d0 = 0, d1 = d0, d2 = d1]: readonly number[],
): [number, number, number] => [d0, d0 - d1, d1 - d2];

/**
 * The payload of the whole step.
 *
 * @param gates The whole step's gates, `[T]`.
 * @param options.every Whether steps that compute have a row too: the coefficients if they did not compute.
 */
export const forecastPayload = (
  gates: readonly number[],
  forecast: Forecast,
  { every = false }: { readonly every?: boolean } = {},
): Payload => ({
  held: "output",
  coefficients: forecast.map((scalars, t) =>
    gates[t] === 0 || every
      ? forecastRow(scalars, computedBefore(gates, t).length)
      : []
  ),
});
