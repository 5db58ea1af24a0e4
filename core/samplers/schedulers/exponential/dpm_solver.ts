/**
 * DPM-Solver++ multistep (arXiv 2211.01095), as diffusers'
 * `DPMSolverMultistepScheduler` steps it: exponential integration of the
 * predicted clean sample, extrapolated from the last one to three of them.
 */
import { noiseConfig } from "../../schedule/noise_schedule.ts";
import {
  interpret,
  levelOfSigma,
  type NoiseLevel,
} from "../../schedule/prediction.ts";
import { type Sampler, samplerOf, type SamplerStep } from "../../sampler.ts";
import type { SchedulerConfig } from "../../schedule/scheduler_config.ts";
import {
  finalSigma,
  karrasSigmas,
  sigmaOfTimestep,
  sigmasConfig,
  timestepOfSigma,
  trainingSigmas,
} from "../../schedule/sigmas.ts";
import { checkStepCount, spacedTimesteps } from "../../schedule/timesteps.ts";

/** Solver types; diffusers takes all but `heun` for midpoint. */
const solverTypes = ["midpoint", "heun", "logrho", "bh1", "bh2"] as const;

/** The config of `DPMSolverMultistepScheduler`. @throws As {@linkcode noiseConfig}, and if it asks for another algorithm, order, solver or spacing, or for thresholding. */
export function dpmSolverConfig(config: SchedulerConfig) {
  config.refuseThresholding();
  config.requireOneOf("algorithm_type", [undefined, null, "dpmsolver++"]);
  const solverOrder = config.integer("solver_order", 1) ?? 2;
  if (solverOrder > 3) config.refuse("solver_order", "1 to 3", RangeError);
  const type = config.oneOf("solver_type", solverTypes);
  return {
    ...noiseConfig(config),
    ...config.timesteps("linspace"),
    ...sigmasConfig(config),
    solverOrder,
    usesHeun: type === "heun",
    /** Whether the last steps of few are of lower order. */
    lowerOrderFinal: config.boolean("lower_order_final") ?? true,
    /** Whether the last step is of order 1. */
    eulerAtFinal: config.boolean("euler_at_final") ?? false,
    /** Timesteps whose log signal-to-noise ratio is lower are left out. */
    lambdaMinClipped: config.number("lambda_min_clipped") ?? -Infinity,
  };
}

type DpmSolverConfig = ReturnType<typeof dpmSolverConfig>;

/** With fewer steps than this, the last ones are of lower order where the config says so. */
const fewSteps = 15;

/**
 * DPM-Solver++ at T noise levels; its memory is one less than its order.
 *
 * @throws {TypeError} If timesteps are left out at trailing spacing.
 * @throws {RangeError} If the steps are out of range.
 */
export function makeDpmSolver(
  config: DpmSolverConfig,
  { steps }: { readonly steps: number },
): Sampler {
  checkStepCount(steps, config.numTrainTimesteps - 1);
  const levels = levelsOf(config, steps);
  const cleans = levels.slice(0, steps).map((level) =>
    interpret(config.predictionType, level).clean
  );
  const toStep = (level: NoiseLevel, i: number): SamplerStep => {
    const order = orderOf(config, { i, steps });
    const { kept, weights } = multistep(config, {
      to: levels[i + 1],
      from: levels.slice(i + 1 - order, i + 1).reverse(),
    });
    const latents = weights.map((w, k) => w * cleans[i - k].x);
    return {
      timestep: level.timestep,
      inputScale: 1,
      latents: [kept + latents[0], ...latents.slice(1)],
      predictions: weights.map((w, k) => w * cleans[i - k].prediction),
      noise: 0,
    };
  };
  const name = "dpm-solver++";
  return samplerOf({ name, steps: levels.slice(0, steps).map(toStep) });
}

/** How many clean samples step i reads: as many as there are, fewer at the end. */
function orderOf(
  { solverOrder, lowerOrderFinal, eulerAtFinal, finalSigmas }: DpmSolverConfig,
  { i, steps }: { readonly i: number; readonly steps: number },
): number {
  const order = Math.min(solverOrder, i + 1);
  const lower = lowerOrderFinal && steps < fewSteps;
  if (i === steps - 1 && (lower || eulerAtFinal || finalSigmas === "zero")) {
    return 1;
  }
  return i === steps - 2 && lower ? Math.min(order, 2) : order;
}

/**
 * The next latents as kept · x + Σ weights[k] · clean[k], from the levels of
 * this step and those before it, latest first; their number is the order.
 * With lambda = log(signal / noise), h = lambda' − lambda and D_n the n-th
 * divided difference of the clean samples:
 *
 *   x' = noise'/noise x − signal' [φ D_0 + φ₁ D_1 + φ₂ D_2],  φ = e^−h − 1
 *
 * D_2 is the authors', which diffusers keeps; twice as much would make a
 * quadratic exact.
 */
function multistep(
  { usesHeun }: DpmSolverConfig,
  { to, from }: { readonly to: NoiseLevel; readonly from: NoiseLevel[] },
): { kept: number; weights: number[] } {
  const lambda = ({ signal, noise }: NoiseLevel) => Math.log(signal / noise);
  const h = lambda(to) - lambda(from[0]);
  const ratios = from.slice(1).map((level, k) =>
    (lambda(from[k]) - lambda(level)) / h
  );
  const phi = Math.expm1(-h);
  const phis = [
    phi,
    usesHeun || from.length === 3 ? -(phi / h + 1) : phi / 2,
    (phi + h) / h ** 2 - 1 / 2,
  ];
  const terms = differences(ratios);
  return {
    kept: to.noise / from[0].noise,
    weights: from.map((_, k) =>
      -to.signal * terms.reduce((sum, term, n) => sum + phis[n] * term[k], 0)
    ),
  };
}

/** Weights of the clean samples in D_0, D_1 and D_2, from the spacings before this step over its own. */
function differences([r0, r1]: readonly number[]): number[][] {
  const latest = [1, 0, 0];
  if (r0 === undefined) return [latest];
  const near = [1 / r0, -1 / r0, 0];
  if (r1 === undefined) return [latest, near];
  const far = [0, 1 / r1, -1 / r1];
  const d2 = near.map((a, k) => (a - far[k]) / (r0 + r1));
  return [latest, near.map((a, k) => a + r0 * d2[k]), d2];
}

/** The levels of the T calls, then where the last step ends. */
function levelsOf(config: DpmSolverConfig, steps: number): NoiseLevel[] {
  const training = trainingSigmas(config);
  const last = levelOfSigma(finalSigma(config, training), 0);
  if (config.hasKarrasSigmas) {
    const [min, max] = [training[0], training[training.length - 1]];
    const levels = karrasSigmas(steps, { min, max }).map((sigma) =>
      levelOfSigma(sigma, Math.round(timestepOfSigma(training, sigma)))
    );
    return [...levels, last];
  }
  const levels = timestepsOf(config, { steps, training }).map((timestep) =>
    levelOfSigma(sigmaOfTimestep(training, timestep), timestep)
  );
  return [...levels, last];
}

/** Leading and linspace pick one timestep more and leave out the cleanest. */
function timestepsOf(
  config: DpmSolverConfig,
  { steps, training }: {
    readonly steps: number;
    readonly training: Float64Array;
  },
): number[] {
  const isTrailing = config.timestepSpacing === "trailing";
  const numTrainTimesteps = noisiestTimestep(config, training) + 1;
  const options = { ...config, numTrainTimesteps };
  if (isTrailing && numTrainTimesteps < config.numTrainTimesteps) {
    throw new TypeError(
      `Cannot make DPM-Solver++: lambda_min_clipped ${config.lambdaMinClipped} leaves out timesteps, expected leading or linspace timestep_spacing, found trailing`,
    );
  }
  return isTrailing
    ? spacedTimesteps(steps, options)
    : spacedTimesteps(steps + 1, options).slice(0, -1);
}

/** The last timestep whose lambda is at least `lambdaMinClipped`. */
function noisiestTimestep(
  { lambdaMinClipped }: DpmSolverConfig,
  training: Float64Array,
): number {
  return training.findLastIndex((sigma) =>
    -Math.log(sigma) >= lambdaMinClipped
  );
}
