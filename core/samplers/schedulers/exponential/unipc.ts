/**
 * UniPC (arXiv 2302.04867), as diffusers' `UniPCMultistepScheduler` steps it: an
 * exponential integrator as predictor, and after the next call a corrector of
 * one order more that costs no call of its own.
 */
import {
  difference,
  latentsOf,
  type Linear,
  ofCall,
  sum,
} from "../../linear.ts";
import type { Sampler } from "../../sampler.ts";
import type { NoiseLevel } from "../../schedule/prediction.ts";
import type { SchedulerConfig } from "../../schedule/scheduler_config.ts";
import { finalSigmasConfig, sigmasConfig } from "../../schedule/sigmas.ts";
import { spacingConfig, type StepOptions } from "../../schedule/timesteps.ts";
import { integrandAt, integrator, lambdaOf } from "./integrators.ts";
import {
  boundedStep,
  solverConfig,
  type SolverPlace,
  solverSampler,
  type SolverStep,
} from "./solver.ts";

/** The highest order; steps further back add nothing. */
const mostOrder = 9;

/** The config of `UniPCMultistepScheduler`; DPM-Solver's types count as bh2. @throws As {@linkcode noiseConfig}. */
export function unipcConfig(config: SchedulerConfig) {
  const ofClean = config.boolean("predict_x0") ?? true;
  const own = { mostOrder, ofClean, zeroSnr: true, isUnipc: true };
  return {
    ...solverConfig(config, own),
    ...spacingConfig(config, "linspace"),
    ...sigmasConfig(config),
    end: finalSigmasConfig(config) === "zero"
      ? "zero" as const
      : "last" as const,
    /** Whether the clean sample is integrated, not the noise. */
    ofClean,
    /** Whether the paper's B(h) is B_1 = h, or B_2 = e^h − 1. */
    isBh1: config.string("solver_type") === "bh1",
    lowerOrderFinal: config.boolean("lower_order_final") ?? true,
    /** The indices of steps whose result is not corrected. */
    uncorrected: config.list(
      "disable_corrector",
      Number.isSafeInteger,
      "integers",
    ) ?? [],
  };
}

type UnipcConfig = ReturnType<typeof unipcConfig>;

/**
 * UniPC at T noise levels; its memory is its order.
 *
 * @throws {RangeError} If the steps are out of range, or the last step's arithmetic is not finite: bh1 or integrated noise, with a final sigma of zero.
 */
export const makeUnipc = (config: UnipcConfig, options: StepOptions): Sampler =>
  solverSampler(config, options, { name: "unipc", step: unipcStep });

/** The number of integrands that the predictor of call i reads. */
const orderOf = (
  { solverOrder, lowerOrderFinal }: UnipcConfig,
  i: number,
  { levels: { length } }: SolverPlace,
): number =>
  Math.min(solverOrder, i + 1, lowerOrderFinal ? length - 1 - i : Infinity);

/** Call i: corrects the latents before it, in the order of the step before, then predicts the next latents. */
const unipcStep: SolverStep<UnipcConfig> = (config, i, place) => {
  const { levels, at } = place;
  const order = orderOf(config, i, place);
  const isCorrected = i > 0 && !config.uncorrected.includes(at - 1);
  const jump = jumpFrom(config, levels, i);
  const { kept, gain, base } = jump;
  const x = latentsOf(i);
  const better = isCorrected
    ? sum([1, x], [1, correction(config, i, place)])
    : x;
  const next = sum(
    [kept, better],
    [-gain * base, jump.m(i)],
    [-gain, residual(jump, callsBefore(i, order))],
  );
  const { bounds } = config;
  return boundedStep(i, place, { next, bounds, own: jump.reading(i) });
};

/**
 * The corrector's change to the latents before call i. Predictor and corrector
 * start the jump from call i − 1 with the same terms, so that the corrector's
 * other terms replace the predictor's.
 */
function correction(
  config: UnipcConfig,
  i: number,
  place: SolverPlace,
): Linear {
  const jump = jumpFrom(config, place.levels, i - 1);
  const calls = callsBefore(i - 1, orderOf(config, i - 1, place));
  const rest = difference(residual(jump, [...calls, i]), residual(jump, calls));
  return sum([-jump.gain, rest]);
}

/** A step from call i to the next, with the integrands of all calls. */
type Jump = ReturnType<typeof jumpFrom>;

function jumpFrom(
  { ofClean, predictionType, isBh1 }: UnipcConfig,
  levels: readonly NoiseLevel[],
  i: number,
) {
  const algorithm = ofClean ? "dpmsolver++" : "dpmsolver";
  const { kept, gain, h, exponent } = integrator(algorithm, {
    from: levels[i],
    to: levels[i + 1],
  });
  const reading = (k: number) =>
    integrandAt({ predictionType, ofClean }, levels[k]);
  return {
    i,
    kept,
    gain,
    /** The paper's hh: h for the noise, −h for the clean sample. */
    hh: -exponent,
    /** The weight of the integrand itself, e^hh − 1. */
    base: Math.expm1(-exponent),
    /** B(h), the scale of the other terms. */
    scale: isBh1 ? -exponent : Math.expm1(-exponent),
    reading,
    m: (k: number) => ofCall(k, reading(k).value),
    /** The position of call k, in steps from call i. */
    r: (k: number) => (lambdaOf(levels[k]) - lambdaOf(levels[i])) / h,
  };
}

/** The calls before call i that a method of an order reads, latest first. */
const callsBefore = (i: number, order: number): number[] =>
  Array.from({ length: order - 1 }, (_, k) => i - 1 - k);

/** B(h) Σ weight_k (m_k − m_i) / r_k over calls k; the next call's r is 1. */
function residual(jump: Jump, calls: readonly number[]): Linear {
  const { i, scale, m, r } = jump;
  const weights = matched(jump, calls);
  return sum(
    ...calls.map((k, j) =>
      [scale * weights[j] / r(k), difference(m(k), m(i))] as const
    ),
  );
}

/** Weights that match the integral's Taylor series, Theorem 3.1: Σ weight_k r_k^(n−1) B = n! φ_(n+1) hⁿ for each n. */
function matched(
  { hh, scale, r }: Jump,
  calls: readonly number[],
): readonly number[] {
  if (calls.length === 1) return [1 / 2]; // the authors' simplification
  const wanted: number[] = [];
  let phi = Math.expm1(hh) / hh - 1;
  let factorial = 1;
  for (let n = 1; n <= calls.length; n++) {
    wanted.push(phi * factorial / scale);
    factorial *= n + 1;
    phi = phi / hh - 1 / factorial;
  }
  return solve(wanted.map((_, n) => calls.map((k) => r(k) ** n)), wanted);
}

/** Solves a small linear system by elimination with pivoting, which rows of rising powers need. */
function solve(
  rows: readonly (readonly number[])[],
  wanted: readonly number[],
): number[] {
  const left = rows.map((row, n) => [...row, wanted[n]]);
  const size = left.length;
  for (let c = 0; c < size; c++) {
    const below = left.slice(c).map((row) => Math.abs(row[c]));
    const pivot = c + below.indexOf(Math.max(...below));
    [left[c], left[pivot]] = [left[pivot], left[c]];
    for (let n = 0; n < size; n++) {
      if (n === c) continue;
      const factor = left[n][c] / left[c][c];
      left[n] = left[n].map((value, k) => value - factor * left[c][k]);
    }
  }
  return left.map((row, n) => row[size] / row[n]);
}
