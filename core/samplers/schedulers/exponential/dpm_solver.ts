/**
 * DPM-Solver and DPM-Solver++ multistep (arXiv 2206.00927, 2211.01095), as
 * diffusers' `DPMSolverMultistepScheduler` steps them: exponential integration
 * of the predicted clean sample or noise, extrapolated from the last one to
 * three of them; the SDE forms add noise.
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
import { finalSigmasConfig, sigmasConfig } from "../../schedule/sigmas.ts";
import { spacingConfig } from "../../schedule/timesteps.ts";
import { flowSigmasConfig, predictionTypes } from "./flow_sigmas.ts";
import {
  type Algorithm,
  algorithms,
  boundsOf,
  integrandAt,
  integratesClean,
  integrator,
  lambdaOf,
  phis,
} from "./integrators.ts";
import { solverLevels, type SolverOptions } from "./solver_levels.ts";

/** Solver types; diffusers takes all but `heun` for midpoint. */
const solverTypes = ["midpoint", "heun", "logrho", "bh1", "bh2"] as const;

/**
 * The keys that both DPM-Solver classes have.
 *
 * @param options.known The algorithms of the class.
 * @param options.algorithm One in place of the config's.
 * @param options.zeroSnr Whether the class knows `rescale_betas_zero_snr`.
 * @throws {TypeError | RangeError} If it asks for what the algorithm cannot do.
 */
export function dpmConfig(
  config: SchedulerConfig,
  { known, algorithm, zeroSnr }: {
    readonly known: readonly Algorithm[];
    readonly algorithm?: Algorithm;
    readonly zeroSnr: boolean;
  },
) {
  const flow = flowSigmasConfig(config);
  const solverOrder = config.integer("solver_order", 1) ?? 2;
  if (solverOrder > 3) config.refuse("solver_order", "1 to 3", RangeError);
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
  const types = predictionTypes(flow, integratesClean(form));
  return {
    ...noiseConfig(config, { zeroSnr, predictionTypes: types }),
    flow,
    bounds: boundsConfig(config, { thresholds: true }),
    algorithm: form,
    end: finalSigmas === "zero" ? "zero" as const : "training" as const,
    solverOrder,
    isMidpoint: config.oneOf("solver_type", solverTypes) !== "heun",
    lambdaMinClipped: config.number("lambda_min_clipped"),
  };
}

/** The config of `DPMSolverMultistepScheduler`. @param algorithm In place of the config's. @throws As {@linkcode noiseConfig} and {@linkcode dpmConfig}. */
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
    ...sigmasConfig(config, [
      "use_karras_sigmas",
      "use_lu_lambdas",
      "use_exponential_sigmas",
      "use_beta_sigmas",
    ]),
    ...own,
    cutsCosine: true,
    /** Whether the last steps of few are of lower order. */
    lowerOrderFinal: config.boolean("lower_order_final") ?? true,
    /** Whether the last step is of order 1. */
    eulerAtFinal: config.boolean("euler_at_final") ?? false,
  };
}

type DpmSolverConfig = ReturnType<typeof dpmSolverConfig>;

/**
 * DPM-Solver at T noise levels; its memory is one less than its order.
 *
 * @throws {RangeError} If the steps are out of range.
 * @throws {TypeError} If timesteps are given beside a spacing of sigmas.
 */
export function makeDpmSolver(
  config: DpmSolverConfig,
  options: SolverOptions,
): Sampler {
  const { begin = 0 } = options;
  const all = solverLevels(config, options);
  const levels = all.slice(begin);
  const steps = levels.slice(0, -1).map((_, i) =>
    multistep(config, i, {
      levels,
      order: orderOf(config, { i, at: begin + i, steps: all.length - 1 }),
    })
  );
  return samplerOf({
    name: config.algorithm === "sde-dpmsolver++"
      ? "sde-dpm-solver++"
      : "dpm-solver++",
    level: levels[0],
    steps,
  });
}

/** With fewer steps than this, the last ones are of lower order where the config says so. */
const fewSteps = 15;

/** How many clean samples step i reads: as many as there are, fewer at the end. */
function orderOf(
  { solverOrder, lowerOrderFinal, eulerAtFinal, end }: DpmSolverConfig,
  { i, at, steps }: {
    readonly i: number;
    readonly at: number;
    readonly steps: number;
  },
): number {
  const order = Math.min(solverOrder, i + 1);
  const lower = lowerOrderFinal && steps < fewSteps;
  if (at === steps - 1 && (lower || eulerAtFinal || end === "zero")) return 1;
  return at === steps - 2 && lower ? Math.min(order, 2) : order;
}

/**
 * Step i: D_n is the n-th divided difference of the integrand at this call and
 * those before it, as many as the order.
 *
 * D_2 is the authors', which diffusers keeps; twice as much would make a
 * quadratic exact.
 */
function multistep(
  config: DpmSolverConfig,
  i: number,
  { levels, order }: {
    readonly levels: readonly NoiseLevel[];
    readonly order: number;
  },
): SamplerStep {
  const { algorithm, predictionType, bounds } = config;
  const from = levels.slice(i + 1 - order, i + 1).reverse();
  const step = integrator(algorithm, { from: from[0], to: levels[i + 1] });
  const { kept, gain, h, noise } = step;
  const ratios = from.slice(1).map((level, k) =>
    (lambdaOf(from[k]) - lambdaOf(level)) / h
  );
  const isMidpoint = config.isMidpoint && order < 3;
  const φ = phis(step, { algorithm, isMidpoint });
  const terms = differences(ratios);
  const weights = from.map((_, k) =>
    -gain * terms.reduce((sum, term, n) => sum + φ[n] * term[k], 0)
  );
  const reading = { predictionType, ofClean: integratesClean(algorithm) };
  const integrands = from.map((level) => integrandAt(reading, level));
  return stepOf(i, {
    timestep: from[0].timestep,
    inputScale: 1,
    next: sum(
      [kept, latentsOf(i)],
      ...integrands.map((each, k) =>
        [weights[k], ofCall(i - k, each.value)] as const
      ),
    ),
    noise,
    ...boundsOf(bounds, integrands[0], weights[0]),
  });
}

/** Weights of the integrands in D_0, D_1 and D_2, from the spacings before this step over its own. */
function differences([r0, r1]: readonly number[]): number[][] {
  const latest = [1, 0, 0];
  if (r0 === undefined) return [latest];
  const near = [1 / r0, -1 / r0, 0];
  if (r1 === undefined) return [latest, near];
  const far = [0, 1 / r1, -1 / r1];
  const d2 = near.map((a, k) => (a - far[k]) / (r0 + r1));
  return [latest, near.map((a, k) => a + r0 * d2[k]), d2];
}
