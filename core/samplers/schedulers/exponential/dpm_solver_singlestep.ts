/**
 * DPM-Solver and DPM-Solver++ singlestep (arXiv 2206.00927, Algorithms 1 and 2;
 * 2211.01095, Algorithm 1), as diffusers' `DPMSolverSinglestepScheduler` steps
 * them: calls come in groups of one to three, whose updates all start from the
 * latents at the group's start.
 */
import {
  difference,
  latentsOf,
  type Linear,
  ofCall,
  sum,
} from "../../linear.ts";
import type { Sampler } from "../../sampler.ts";
import type { SchedulerConfig } from "../../schedule/scheduler_config.ts";
import { sigmasConfig } from "../../schedule/sigmas.ts";
import type { StepOptions } from "../../schedule/timesteps.ts";
import { dpmConfig } from "./dpm_solver.ts";
import {
  integrandAt,
  integratesClean,
  integrator,
  lambdaOf,
  phis,
} from "./integrators.ts";
import {
  boundedStep,
  type SolverPlace,
  solverSampler,
  type SolverStep,
} from "./solver.ts";

/** The config of `DPMSolverSinglestepScheduler`. @throws As {@linkcode noiseConfig} and {@linkcode dpmConfig}. */
export function dpmSinglestepConfig(config: SchedulerConfig) {
  const known = ["dpmsolver", "dpmsolver++", "sde-dpmsolver++"] as const;
  const own = dpmConfig(config, { known, zeroSnr: false });
  if (own.bounds && own.algorithm === "dpmsolver") {
    config.refuse("thresholding", "false where algorithm_type is dpmsolver");
  }
  return {
    ...sigmasConfig(config),
    ...own,
    // The class has no other spacing.
    timestepSpacing: "linspace" as const,
    stepsOffset: 0,
    /** Whether the last group may be shorter. */
    lowerOrderFinal: config.boolean("lower_order_final") ?? false,
  };
}

type SinglestepConfig = ReturnType<typeof dpmSinglestepConfig>;

/**
 * DPM-Solver singlestep with T calls.
 *
 * @throws {RangeError} If the steps are out of range.
 * @throws {TypeError} If timesteps are given beside a spacing of sigmas.
 */
export const makeDpmSinglestep = (
  config: SinglestepConfig,
  options: StepOptions,
): Sampler =>
  solverSampler(config, options, {
    name: "dpm-solver-singlestep",
    step: singlestep,
  });

/** The order of a call: its position in its group, at most the number of calls so far. */
function orderOf(
  { solverOrder, lowerOrderFinal, end }: SinglestepConfig,
  i: number,
  { at, calls }: SolverPlace,
): number {
  const isUneven = calls % solverOrder !== 0;
  // The last call of a whole group at the end is a group of its own.
  const isAlone = end === "zero" || lowerOrderFinal && !isUneven;
  if (isAlone && at === calls - 1) return 1;
  return Math.min(at % solverOrder + 1, i + 1);
}

/**
 * The update after call i, the order-th of its group:
 *
 *   x' = kept · x − gain [φ₀ m + φ₁ D₁ + φ₂ D₂]
 *
 * with x and m the latents and the integrand at the group's start, and Dₙ the
 * differences to the calls after it.
 */
const singlestep: SolverStep<SinglestepConfig> = (config, i, place) => {
  const { algorithm, predictionType, bounds, isMidpoint } = config;
  const { levels } = place;
  const order = orderOf(config, i, place);
  const start = i + 1 - order;
  const step = integrator(algorithm, {
    from: levels[start],
    to: levels[i + 1],
  });
  const { kept, gain, h, noise } = step;
  const φ = phis(step, { algorithm, isMidpoint: isMidpoint && order < 3 });
  const reading = { predictionType, ofClean: integratesClean(algorithm) };
  const at = (k: number) => integrandAt(reading, levels[k]);
  const m = (k: number) => ofCall(k, at(k).value);
  /** The position of call k in the step, 0 to 1. */
  const r = (k: number) => (lambdaOf(levels[k]) - lambdaOf(levels[start])) / h;
  const slope = (k: number): Linear =>
    sum([1 / r(k), difference(m(k), m(start))]);
  const terms: (readonly [number, Linear])[] = [[φ[0], m(start)]];
  if (order === 2) terms.push([φ[1], slope(i)]);
  if (order === 3 && isMidpoint) terms.push([φ[1], slope(i)]);
  if (order === 3 && !isMidpoint) {
    const [near, far] = [r(i - 1), r(i)];
    const bend = sum([1 / (far - near), difference(slope(i), slope(i - 1))]);
    terms.push([φ[1], sum([1, slope(i - 1)], [-near, bend])], [2 * φ[2], bend]);
  }
  const next = sum(
    [kept, latentsOf(start)],
    ...terms.map(([weight, term]) => [-gain * weight, term] as const),
  );
  return boundedStep(i, place, { next, noise, bounds, own: at(i) });
};
