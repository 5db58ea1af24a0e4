/**
 * DEIS (arXiv 2204.13902), its log-rho multistep form, as diffusers'
 * `DEISMultistepScheduler` steps it: with rho = noise / signal, the flow is
 * d(x / signal) = epsilon d rho, and epsilon a polynomial in log rho through
 * the last one to three predictions (Eq. 15).
 */
import { latentsOf, ofCall, stepOf, sum } from "../../linear.ts";
import {
  boundsConfig,
  type Sampler,
  samplerOf,
  type SamplerStep,
} from "../../sampler.ts";
import { noiseConfig } from "../../schedule/noise_config.ts";
import type { NoiseLevel } from "../../schedule/prediction.ts";
import type { SchedulerConfig } from "../../schedule/scheduler_config.ts";
import { sigmasConfig } from "../../schedule/sigmas.ts";
import { spacingConfig } from "../../schedule/timesteps.ts";
import { exponentialIntegral, lagrangeBasis } from "../lagrange.ts";
import { flowSigmasConfig, predictionTypes } from "./flow_sigmas.ts";
import { boundsOf, integrandAt } from "./integrators.ts";
import { solverLevels, type SolverOptions } from "./solver_levels.ts";

/** The config of `DEISMultistepScheduler`, which takes every solver type for its own. @throws As {@linkcode noiseConfig}, and if it asks for an SDE's algorithm. */
export function deisConfig(config: SchedulerConfig) {
  const flow = flowSigmasConfig(config);
  config.oneOf("algorithm_type", ["deis", "dpmsolver", "dpmsolver++"]);
  const solverOrder = config.integer("solver_order", 1) ?? 2;
  if (solverOrder > 3) config.refuse("solver_order", "1 to 3", RangeError);
  return {
    ...noiseConfig(config, { predictionTypes: predictionTypes(flow) }),
    flow,
    ...spacingConfig(config, "linspace"),
    ...sigmasConfig(config),
    bounds: boundsConfig(config, { thresholds: true }),
    end: "last" as const,
    solverOrder,
    /** Whether the last steps of few are of lower order. */
    lowerOrderFinal: config.boolean("lower_order_final") ?? true,
  };
}

type DeisConfig = ReturnType<typeof deisConfig>;

/** With fewer steps than this, the last ones are of lower order where the config says so. */
const fewSteps = 15;

/**
 * DEIS at T noise levels; its memory is one less than its order.
 *
 * @throws {RangeError} If the steps are out of range.
 */
export function makeDeis(config: DeisConfig, options: SolverOptions): Sampler {
  const { begin = 0 } = options;
  const levels = solverLevels(config, options).slice(begin);
  const steps = levels.length - 1;
  const lower = config.lowerOrderFinal && begin + steps < fewSteps;
  return samplerOf({
    name: "deis",
    level: levels[0],
    steps: levels.slice(0, -1).map((_, i) => {
      // 1 at the last step of few, 2 at the one before.
      const most = lower ? steps - i : Infinity;
      const order = Math.min(config.solverOrder, i + 1, most);
      return deisStep(config, i, { levels, order });
    }),
  });
}

/** x' / signal' = x / signal + Σ epsilon_k ∫ ℓ_k(log rho) d rho. */
function deisStep(
  { predictionType, bounds }: DeisConfig,
  i: number,
  { levels, order }: {
    readonly levels: readonly NoiseLevel[];
    readonly order: number;
  },
): SamplerStep {
  const from = levels.slice(i + 1 - order, i + 1).reverse();
  const to = levels[i + 1];
  const logRho = ({ noise, signal }: NoiseLevel) => Math.log(noise / signal);
  const reading = { predictionType, ofClean: false };
  const integrands = from.map((level) => integrandAt(reading, level));
  const weights = lagrangeBasis(from.map(logRho)).map((p) =>
    to.signal * exponentialIntegral(p, logRho(from[0]), logRho(to))
  );
  return stepOf(i, {
    timestep: from[0].timestep,
    inputScale: 1,
    next: sum(
      [to.signal / from[0].signal, latentsOf(i)],
      ...integrands.map((each, k) =>
        [weights[k], ofCall(i - k, each.value)] as const
      ),
    ),
    ...boundsOf(bounds, integrands[0], weights[0]),
  });
}
