/**
 * DEIS (arXiv 2204.13902), its log-rho multistep form, as diffusers'
 * `DEISMultistepScheduler` steps it: with rho = noise / signal, the flow is
 * d(x / signal) = epsilon d rho, and epsilon a polynomial in log rho through
 * the last one to three predictions (Eq. 15).
 */
import type { Sampler } from "../../sampler.ts";
import type { NoiseLevel } from "../../schedule/prediction.ts";
import type { SchedulerConfig } from "../../schedule/scheduler_config.ts";
import { sigmasConfig } from "../../schedule/sigmas.ts";
import { spacingConfig, type StepOptions } from "../../schedule/timesteps.ts";
import { exponentialIntegral, lagrangeBasis } from "../lagrange.ts";
import { multistep, solverConfig, solverSampler } from "./solver.ts";

/** The config of `DEISMultistepScheduler`, of any solver type. @throws As {@linkcode solverConfig}, and for an SDE. */
export function deisConfig(config: SchedulerConfig) {
  config.oneOf("algorithm_type", ["deis", "dpmsolver", "dpmsolver++"]);
  return {
    ...solverConfig(config, { mostOrder: 3, ofClean: true }),
    ...spacingConfig(config, "linspace"),
    ...sigmasConfig(config),
    end: "last" as const,
    lowerOrderFinal: config.boolean("lower_order_final") ?? true,
  };
}

type DeisConfig = ReturnType<typeof deisConfig>;

/**
 * DEIS at T noise levels; its memory is one less than its order.
 *
 * @throws {RangeError} If the steps are out of range.
 */
export const makeDeis = (config: DeisConfig, options: StepOptions): Sampler =>
  solverSampler(config, options, { name: "deis", step: deisStep });

/** x' / signal' = x / signal + Σ epsilon_k ∫ ℓ_k(log rho) d rho. */
const deisStep = multistep((_: DeisConfig, from, to) => {
  const logRho = ({ noise, signal }: NoiseLevel) => Math.log(noise / signal);
  const weights = lagrangeBasis(from.map(logRho)).map((p) =>
    to.signal * exponentialIntegral(p, logRho(from[0]), logRho(to))
  );
  const kept = to.signal / from[0].signal;
  return { ofClean: false, kept, weights };
});
