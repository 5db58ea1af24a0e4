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
import { noiseConfig, usualPredictions } from "../../schedule/noise_config.ts";
import type { NoiseLevel } from "../../schedule/prediction.ts";
import type { SchedulerConfig } from "../../schedule/scheduler_config.ts";
import type { StepOptions } from "../../schedule/timesteps.ts";
import { flowSigmasConfig } from "./flow_sigmas.ts";
import { type Integrand, integrandAt } from "./integrators.ts";
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
  const predictionTypes = flow && ofClean
    ? [...usualPredictions, "flow_prediction" as const]
    : usualPredictions;
  return {
    ...noiseConfig(config, { zeroSnr, predictionTypes }),
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

/** The keys of a multistep solver. */
export type MultistepConfig =
  & Pick<LevelsConfig, "end" | "predictionType">
  & Pick<ReturnType<typeof solverConfig>, "solverOrder" | "bounds">
  & {
    /** Whether the last steps are of lower order if there are few. */
    readonly lowerOrderFinal: boolean;
    /** Whether the last step is of order 1. */
    readonly eulerAtFinal?: boolean;
  };

/** The order of step i: the config's, but lower at the start and end. */
function multistepOrder(
  { solverOrder, lowerOrderFinal, eulerAtFinal = false, end }: MultistepConfig,
  i: number,
  { at, calls }: SolverPlace,
): number {
  const order = Math.min(solverOrder, i + 1);
  const lower = lowerOrderFinal && calls < fewSteps;
  if (at === calls - 1 && (lower || eulerAtFinal || end === "zero")) return 1;
  return at === calls - 2 && lower ? Math.min(order, 2) : order;
}

/** A step to kept · x + Σ weight · integrand + noise · fresh noise. */
interface Multistep {
  /** Whether the integrand is the clean sample, not the noise. */
  readonly ofClean: boolean;
  readonly kept: number;
  /** Weights of the integrands of this call and earlier ones, latest first. */
  readonly weights: readonly number[];
  readonly noise?: number;
}

/** The steps of a multistep solver, by their rule. @param rule `from` has the levels that a step reads, latest first. */
export const multistep = <Config extends MultistepConfig>(
  rule: (
    config: Config,
    from: readonly NoiseLevel[],
    to: NoiseLevel,
  ) => Multistep,
): SolverStep<Config> =>
(config, i, place) => {
  const { predictionType, bounds } = config;
  const { levels } = place;
  const order = multistepOrder(config, i, place);
  const from = levels.slice(i + 1 - order, i + 1).reverse();
  const { ofClean, kept, weights, noise } = rule(config, from, levels[i + 1]);
  const integrands = from
    .map((level) => integrandAt({ predictionType, ofClean }, level));
  const terms = integrands.map(({ value }, k) =>
    [weights[k], ofCall(i - k, value)] as const
  );
  const next = sum([kept, latentsOf(i)], ...terms);
  const [own, weight] = [integrands[0], weights[0]];
  return boundedStep(i, place, { next, noise, bounds, own, weight });
};

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
