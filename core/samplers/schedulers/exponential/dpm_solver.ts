/**
 * DPM-Solver and DPM-Solver++ multistep (arXiv 2206.00927, 2211.01095), as
 * diffusers' `DPMSolverMultistepScheduler` steps them: exponential integration
 * of the predicted clean sample or noise, extrapolated from the last one to
 * three of them; the SDE forms add noise.
 */
import type { Sampler } from "../../sampler.ts";
import type { SchedulerConfig } from "../../schedule/scheduler_config.ts";
import {
  finalSigmasConfig,
  sigmasConfig,
  spacingKeys,
} from "../../schedule/sigmas.ts";
import { spacingConfig, type StepOptions } from "../../schedule/timesteps.ts";
import {
  type Algorithm,
  algorithms,
  integratesClean,
  integrator,
  lambdaOf,
  phis,
} from "./integrators.ts";
import {
  multistep,
  type MultistepConfig,
  solverConfig,
  solverSampler,
} from "./solver.ts";

/** Solver types; diffusers takes all but `heun` as midpoint. */
const solverTypes = ["midpoint", "heun", "logrho", "bh1", "bh2"] as const;

/**
 * Reads the keys of both DPM-Solver classes.
 *
 * @param options.known The algorithms of the class.
 * @param options.algorithm An algorithm instead of the config's.
 * @param options.zeroSnr Whether the class supports `rescale_betas_zero_snr`.
 * @throws {TypeError | RangeError} If the config asks for what the algorithm cannot do.
 */
export function dpmConfig(
  config: SchedulerConfig,
  { known, algorithm, zeroSnr }: {
    readonly known: readonly Algorithm[];
    readonly algorithm?: Algorithm;
    readonly zeroSnr: boolean;
  },
) {
  const finalSigmas = finalSigmasConfig(config);
  const key = "algorithm_type";
  const asked = algorithm ?? config.oneOf(key, [...known, "deis"]) ??
    "dpmsolver++";
  if (finalSigmas === "zero" && !asked.endsWith("++")) {
    config.refuse(
      key,
      'one that ends in ++, or final_sigmas_type "sigma_min" beside it',
    );
  }
  const variance = config.value("variance_type");
  if (variance === "learned" || variance === "learned_range") {
    config.refuse("variance_type", "null (the variance is not read)");
  }
  const form = asked === "deis" ? "dpmsolver++" as const : asked;
  const ofClean = integratesClean(form);
  return {
    ...solverConfig(config, { mostOrder: 3, ofClean, zeroSnr }),
    algorithm: form,
    end: finalSigmas === "zero" ? "zero" as const : "training" as const,
    isMidpoint: config.oneOf("solver_type", solverTypes) !== "heun",
    lambdaMinClipped: config.number("lambda_min_clipped"),
  };
}

/** The config of `DPMSolverMultistepScheduler`. @param algorithm Replaces the config's. @throws As {@linkcode dpmConfig}. */
export function dpmSolverConfig(
  config: SchedulerConfig,
  algorithm?: Algorithm,
) {
  const own = dpmConfig(config, {
    known: algorithms,
    algorithm,
    zeroSnr: true,
  });
  if (own.solverOrder === 3 && own.algorithm === "sde-dpmsolver") {
    config.refuse("solver_order", "1 or 2 with sde-dpmsolver", RangeError);
  }
  return {
    ...spacingConfig(config, "linspace"),
    ...sigmasConfig(config, spacingKeys),
    ...own,
    cutsCosine: true,
    lowerOrderFinal: config.boolean("lower_order_final") ?? true,
    eulerAtFinal: config.boolean("euler_at_final") ?? false,
  };
}

type DpmSolverConfig = ReturnType<typeof dpmSolverConfig>;

/** The keys that a step reads, not those that place the calls. */
type DpmStepConfig =
  & MultistepConfig
  & Pick<DpmSolverConfig, "algorithm" | "isMidpoint">;

/**
 * DPM-Solver at T noise levels; its memory is one less than its order.
 *
 * @throws {RangeError} If the steps are out of range.
 * @throws {TypeError} If timesteps are given beside a spacing of sigmas.
 */
export const makeDpmSolver = (
  config: DpmSolverConfig,
  options: StepOptions,
): Sampler =>
  solverSampler(config, options, {
    name: config.algorithm === "sde-dpmsolver++"
      ? "sde-dpm-solver++"
      : "dpm-solver++",
    step: dpmStep,
  });

/**
 * D_n is the n-th divided difference of the integrand over this call
 * and earlier ones, as many as the order.
 *
 * D_2 is the authors', which diffusers keeps; twice that would be exact for a
 * quadratic.
 */
export const dpmStep = multistep((config: DpmStepConfig, from, to) => {
  const { algorithm } = config;
  const step = integrator(algorithm, { from: from[0], to });
  const { kept, gain, h, noise } = step;
  const ratios = from.slice(1).map((level, k) =>
    (lambdaOf(from[k]) - lambdaOf(level)) / h
  );
  const isMidpoint = config.isMidpoint && from.length < 3;
  const φ = phis(step, { algorithm, isMidpoint });
  const terms = differences(ratios);
  const weights = from.map((_, k) =>
    -gain * terms.reduce((sum, term, n) => sum + φ[n] * term[k], 0)
  );
  return { ofClean: integratesClean(algorithm), kept, weights, noise };
});

/** Weights of the integrands in D_0, D_1 and D_2, from earlier spacings over this step's. */
function differences([r0, r1]: readonly number[]): number[][] {
  const latest = [1, 0, 0];
  if (r0 === undefined) return [latest];
  const near = [1 / r0, -1 / r0, 0];
  if (r1 === undefined) return [latest, near];
  const far = [0, 1 / r1, -1 / r1];
  const d2 = near.map((a, k) => (a - far[k]) / (r0 + r1));
  return [latest, near.map((a, k) => a + r0 * d2[k]), d2];
}
