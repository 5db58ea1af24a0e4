/**
 * Fits the scalars that combine held predictions, for given gates: first by
 * least squares step by step, then by gradient through the sampler.
 */
import { adamW, cosineLearningRate } from "@dip-go/core/autodiff";
import { predictionFor } from "@dip-go/core/samplers";
import { joinedArrays, type Tensor } from "@dip-go/core/tensor";
import {
  type Forecast,
  forecastGradient,
  forecastPayload,
  forecastRow,
  type ForecastScalars,
  type Gates,
  type Payloads,
  type SubNetPlan,
  type SuperNet,
} from "@dip-go/supernet/gates";
import type { HeldStep, SubNetRunner } from "@dip-go/supernet/sampling";
import type { TrainingForm } from "@dip-go/supernet/training";
import type { CalibrationBatch } from "../calibration.ts";
import type { PricedSearch } from "../method.ts";
import { meanSquaredError, rowsOf, sum, zeros } from "../numbers.ts";
import type { SearchSettings } from "../search_settings.ts";
import { Cholesky } from "./learned_solver/cholesky.ts";

/** Gates, and the forecast of skipped steps from held predictions. */
export interface ForecastPlan {
  readonly gates: Gates;
  readonly forecast: Forecast;
}

/** The forecast as the whole step's payload. @param every As for `forecastPayload`. */
export const payloadsOf = (
  { model: { output } }: SuperNet,
  { gates, forecast }: ForecastPlan,
  { every }: { readonly every?: boolean } = {},
): Payloads => ({
  [output]: forecastPayload(gates.map((row) => row.at(-1)!), forecast, {
    every,
  }),
});

/** The plan of gates whose whole step has the forecast as its payload. */
export const sampledPlan = (
  net: SuperNet,
  plan: ForecastPlan,
): SubNetPlan => ({ gates: plan.gates, payloads: payloadsOf(net, plan) });

/** The scalars of the forecast closest to `target`: normal equations on h0, h0 − h1, h1 − h2 with a small ridge. */
function fitScalars(
  history: readonly Float32Array[],
  target: Float32Array,
): ForecastScalars {
  const matrix = zeros(3, 3);
  const right = [0, 0, 0];
  const [h0, h1, h2] = history;
  for (let i = 0; i < target.length; i++) {
    const basis = [h0[i], h1 ? h0[i] - h1[i] : 0, h2 ? h1[i] - h2[i] : 0];
    const rest = target[i] - h0[i];
    for (let r = 0; r < 3; r++) {
      right[r] += basis[r] * rest;
      for (let c = 0; c < 3; c++) matrix[r][c] += basis[r] * basis[c];
    }
  }
  const scale = Math.max(...matrix.map((row, i) => row[i]), 1e-12);
  matrix.forEach((row, i) => row[i] += 1e-4 * scale);
  const [a, b, c] = new Cholesky(matrix, 0).solve(right);
  return [a, b, c];
}

/**
 * Least squares in sampling order: at each held step, the scalars whose
 * prediction brings the SubNet's own latents closest to the full sampler's
 * next ones, so that errors made so far are corrected.
 *
 * A step is linear in its prediction, so exactly one prediction leads to them.
 * Steps that compute get the scalars that would forecast their prediction: they
 * are not used, but show the cost of holding there. Also returned: the final
 * latents of the fit.
 *
 * @throws {TypeError} If the sampler clips: its steps are not linear.
 */
export async function leastSquaresForecast(
  runner: SubNetRunner,
  { gates, batch }: { gates: Gates; batch: CalibrationBatch },
): Promise<{ forecast: Forecast; latents: Tensor<"float32"> }> {
  const forecast = gates.map((): ForecastScalars => [0, 0, 0]);
  const fit = (
    step: number,
    history: readonly Float32Array[],
    target: Float32Array,
  ) => forecast[step] = fitScalars(history, target);
  const fill = async ({ step, read }: HeldStep) => {
    const { state, history } = await read();
    const next = batch.trajectory[step + 1];
    const noise = batch.noise?.[step];
    const wanted = predictionFor(batch.sampler, step, { state, next, noise });
    return forecastRow(fit(step, history, wanted), history.length);
  };
  const whole = runner.net.units.length - 1;
  const latents = await runner.sample({
    ...batch,
    gates,
    fill,
    async observe({ step, read }) {
      if (gates[step][whole] === 0) return;
      const { history, prediction } = await read();
      if (history.length > 0) fit(step, history, prediction);
    },
  });
  return { forecast, latents };
}

/** The addend to each squared error: keeps the log finite, and an exact picture from counting for all. */
const floor = 1e-15;

/** The gradient of pictures' mean log squared error, a scaled PSNR, with respect to the pictures. */
function logErrorGradient(
  found: readonly Float32Array[],
  targets: readonly Float32Array[],
): Float32Array {
  const gradients = found.map((own, picture) => {
    const target = targets[picture];
    const error = meanSquaredError(own, target) + floor;
    const factor = 2 / (found.length * own.length * error);
    return own.map((value, i) => factor * (value - target[i]));
  });
  return joinedArrays(gradients);
}

/** Refines scalars by Adam through the frozen sampler, on the final latents' log error, with batches in turn. */
export async function refineForecast(
  { form, batches }: {
    readonly form: TrainingForm;
    readonly batches: readonly CalibrationBatch[];
  },
  { gates, forecast }: ForecastPlan,
  { iterations, learningRate }: SearchSettings["refine"],
): Promise<ForecastPlan> {
  const scalars = Float32Array.from(forecast.flat());
  const optimizer = adamW(scalars.length, { beta2: 0.99 });
  const current = (): Forecast =>
    forecast.map((_, t) => {
      const [a, b, c] = scalars.subarray(3 * t);
      return [a, b, c];
    });
  for (let i = 0; i < iterations; i++) {
    const batch = batches[i % batches.length];
    const target = batch.trajectory.at(-1)!;
    const plan = { gates, forecast: current() };
    const { coefficients } = await form.gradient(
      { ...batch, ...sampledPlan(form.net, plan) },
      ({ data: found, shape: [pictures] }) =>
        logErrorGradient(rowsOf(found, pictures), rowsOf(target, pictures)),
      { wanted: "payloads", segment: gates.length },
    );
    const gradient = coefficients.map((of) =>
      forecastGradient(of[form.net.model.output] ?? [])
    );
    const rate = cosineLearningRate(i, {
      peak: learningRate,
      total: iterations,
      floor: 0.1,
    });
    optimizer.update(scalars, Float32Array.from(gradient.flat()), rate);
  }
  return { gates, forecast: current() };
}

/** The cost of refining a forecast for all budgets; an iteration goes forward and back through the SubNet. */
export const refineCost = ({ search, budgets }: PricedSearch): number =>
  3 * search.refine.iterations * sum(budgets);
