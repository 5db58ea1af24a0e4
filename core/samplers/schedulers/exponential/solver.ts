/** The shared parts of the exponential integrators (DPM-Solver, UniPC, DEIS): keys, levels, orders and steps. */
import { latentsOf, type Linear, ofCall, stepOf, sum } from "../../linear.ts";
import {
  type Bounds,
  boundsConfig,
  clipOf,
  type Sampler,
  samplerOf,
  type SamplerStep,
} from "../../sampler.ts";
import { noiseConfig } from "../../schedule/noise_config.ts";
import type { NoiseLevel } from "../../schedule/prediction.ts";
import type { SchedulerConfig } from "../../schedule/scheduler_config.ts";
import type { StepOptions } from "../../schedule/timesteps.ts";
import { flowSigmasConfig, predictionTypes } from "./flow_sigmas.ts";
import type { Integrand } from "./integrators.ts";
import { type LevelsConfig, solverLevels } from "./solver_levels.ts";

/**
 * Reads the keys that all exponential integrators have.
 *
 * @param options.mostOrder The highest `solver_order`.
 * @param options.ofClean Whether the clean sample is integrated.
 * @param options.zeroSnr Whether the class supports `rescale_betas_zero_snr`.
 * @throws {TypeError | RangeError} As `noiseConfig`, and if the config asks for a higher order.
 */
export function solverConfig(
  config: SchedulerConfig,
  { mostOrder, ofClean, zeroSnr = false, isUnipc = false }: {
    readonly mostOrder: number;
    readonly ofClean: boolean;
    readonly zeroSnr?: boolean;
    readonly isUnipc?: boolean;
  },
) {
  const flow = flowSigmasConfig(config, isUnipc);
  const solverOrder = config.integer("solver_order", 1) ?? 2;
  if (solverOrder > mostOrder) {
    config.refuse("solver_order", `1 to ${mostOrder}`, RangeError);
  }
  const types = predictionTypes(flow, ofClean);
  return {
    ...noiseConfig(config, { zeroSnr, predictionTypes: types }),
    flow,
    bounds: boundsConfig(config, { thresholds: true }),
    solverOrder,
  };
}

/** The position of step i among a sampler's calls. */
export interface SolverPlace {
  /** The levels of the calls that are made, and the level at which the last step ends. */
  readonly levels: readonly NoiseLevel[];
  /** The index of the step among all calls, including those left out at the start. */
  readonly at: number;
  /** The number of all calls. */
  readonly calls: number;
}

/** Makes step i of a class. */
export type SolverStep<Config> = (
  config: Config,
  i: number,
  place: SolverPlace,
) => SamplerStep;

/** Makes a sampler with a step for each level. @throws As {@linkcode solverLevels}. */
export function solverSampler<Config extends LevelsConfig>(
  config: Config,
  { begin = 0, ...options }: StepOptions,
  { name, step }: { readonly name: string; readonly step: SolverStep<Config> },
): Sampler {
  const all = solverLevels(config, options);
  const levels = all.slice(begin);
  return samplerOf({
    name,
    level: levels[0],
    steps: levels.slice(0, -1).map((_, i) =>
      step(config, i, { levels, at: begin + i, calls: all.length - 1 })
    ),
  });
}

/** With fewer steps than this, the last ones are of lower order if the config says so. */
const fewSteps = 15;

/** The number of integrands that step i of a multistep solver reads: the order, but fewer at the start and end. */
export function multistepOrder(
  { solverOrder, lowerOrderFinal, eulerAtFinal = false, end }:
    & Pick<LevelsConfig, "end">
    & {
      readonly solverOrder: number;
      /** Whether the last steps are of lower order if there are few. */
      readonly lowerOrderFinal: boolean;
      /** Whether the last step is of order 1. */
      readonly eulerAtFinal?: boolean;
    },
  i: number,
  { at, calls }: SolverPlace,
): number {
  const order = Math.min(solverOrder, i + 1);
  const lower = lowerOrderFinal && calls < fewSteps;
  if (at === calls - 1 && (lower || eulerAtFinal || end === "zero")) return 1;
  return at === calls - 2 && lower ? Math.min(order, 2) : order;
}

/** Sums kept · x + Σ weight · integrand, of call i's integrand and earlier ones, latest first. */
export const multistepSum = (
  i: number,
  { kept, weights, integrands }: {
    readonly kept: number;
    readonly weights: readonly number[];
    readonly integrands: readonly Integrand[];
  },
): Linear =>
  sum(
    [kept, latentsOf(i)],
    ...integrands.map(({ value }, k) =>
      [weights[k], ofCall(i - k, value)] as const
    ),
  );

/**
 * The step of call i to `next`, with its clean sample within bounds.
 *
 * @param options.own The call's integrand.
 * @param options.weight The integrand's weight in `next`; by default from the coefficient of its prediction.
 */
export function boundedStep(
  i: number,
  { levels }: Pick<SolverPlace, "levels">,
  { next, noise, bounds, own: { value, clean, share }, weight }: {
    readonly next: Linear;
    readonly noise?: number;
    readonly bounds: Bounds | undefined;
    readonly own: Integrand;
    readonly weight?: number;
  },
): SamplerStep {
  const used = weight ?? next.predictions.get(i)! / value.prediction;
  return stepOf(i, {
    timestep: levels[i].timestep,
    next,
    noise,
    ...clipOf(bounds, { clean, factor: used * share }),
  });
}
