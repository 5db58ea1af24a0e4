/** Writes a sampler as a solver of whole calls, some of which forecasts from earlier predictions may replace. */
import type { Sampler } from "@dip-go/core/samplers";
import { combinationOf, type Solver } from "./solver.ts";

export interface SamplerSolverOptions {
  /** Weights of an evaluation's outputs in the guided prediction, s and 1 − s, or 1 alone. */
  readonly guidance: readonly number[];
  /** The weights of all earlier predictions if a step does not evaluate the network; undefined if it does. */
  forecast?(step: number): readonly number[] | undefined;
}

/** Weights of the noise and of all outputs. */
type Row = readonly number[];

const sumOf = (size: number, terms: readonly (readonly [number, Row])[]): Row =>
  Array.from(
    { length: size },
    (_, e) => terms.reduce((sum, [c, row]) => sum + c * row[e], 0),
  );

/**
 * Writes a sampler as a solver.
 *
 * @throws {TypeError} If a step of the sampler adds noise or clips, so that it is no combination.
 */
export function samplerSolver(
  { name, steps, initNoiseSigma }: Sampler,
  { guidance, forecast = () => undefined }: SamplerSolverOptions,
): Solver {
  const odd = steps.findIndex(({ noise, clip }) => noise !== 0 || clip);
  if (odd !== -1) {
    throw new TypeError(
      `Cannot write ${name} as a solver: step ${odd} adds noise or clips, expected linear steps`,
    );
  }
  const forecasts = steps.map((_, i) => forecast(i));
  const evaluated = forecasts.filter((weights) => !weights).length;
  const size = 1 + guidance.length * evaluated;
  const states: Row[] = [sumOf(size, []).with(0, initNoiseSigma)];
  const predictions: Row[] = [];
  const evaluations: Solver["evaluations"][number][] = [];
  const combination = (state: Row, factor = 1) => {
    const count = evaluations.length;
    const weights = state.slice(0, 1 + guidance.length * count);
    return combinationOf(
      weights.map((w) => w * factor),
      Array(count).fill(guidance.length),
    );
  };
  for (const [i, step] of steps.entries()) {
    const { timestep, inputScale } = step;
    const weights = forecasts[i];
    const first = 1 + guidance.length * evaluations.length;
    predictions.push(
      weights
        ? sumOf(size, weights.map((w, j) => [w, predictions[j]]))
        : sumOf(size, []).map((_, e) => guidance[e - first] ?? 0),
    );
    if (!weights) {
      const own = combination(states[i], inputScale);
      evaluations.push({ timestep, halves: "both", ...own });
    }
    const read = (coefficients: readonly number[], rows: readonly Row[]) =>
      coefficients.flatMap((c, k) =>
        c === 0 ? [] : [[c, rows[i - k]] as const]
      );
    states.push(
      sumOf(size, [
        ...read(step.latents, states),
        ...read(step.predictions, predictions),
      ]),
    );
  }
  return { evaluations, latents: combination(states[steps.length]) };
}
