import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertThrows,
} from "@std/assert";
import { dpmSolverConfig, makeDpmSolver } from "./dpm_solver.ts";
import { levelOfSigma, type NoiseLevel } from "../../schedule/prediction.ts";
import { parseSchedulerConfig } from "../../schedule/read_scheduler_config.ts";
import { sigmaOfTimestep, trainingSigmas } from "../../schedule/sigmas.ts";

const json = {
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  beta_end: 0.012,
  solver_order: 3,
  prediction_type: "sample", // the prediction is the clean sample
};
const configOf = (own: object) =>
  dpmSolverConfig(parseSchedulerConfig({ ...json, ...own }, "test"));
const config = configOf({});
const training = trainingSigmas(config);
const reach = (config: ReturnType<typeof configOf>, steps: number) =>
  makeDpmSolver(config, { steps }).steps.map(({ predictions }) =>
    predictions.length
  );

const lambda = ({ signal, noise }: NoiseLevel) => Math.log(signal / noise);

Deno.test("makeDpmSolver() reads up to three clean samples, fewer at the start and the end", () => {
  assertEquals(reach(config, 6), [1, 2, 3, 3, 2, 1]);
  assertEquals(reach(config, 15), [1, 2, ...Array(12).fill(3), 1]);
  assertEquals(reach({ ...config, solverOrder: 2 }, 5), [1, 2, 2, 2, 1]);
  const toLeast = { ...config, end: "training" } as const;
  assertEquals(reach(toLeast, 15), [1, 2, ...Array(13).fill(3)]);
  assertEquals(reach({ ...toLeast, lowerOrderFinal: false }, 4), [1, 2, 3, 3]);
  assertEquals(
    reach({ ...toLeast, lowerOrderFinal: false, eulerAtFinal: true }, 4),
    [1, 2, 3, 1],
  );
  assertEquals(makeDpmSolver(config, { steps: 6 }).memory, 2);
});

for (
  const [name, options, i] of [
    ["order 2, heun", { solver_order: 2, solver_type: "heun" }, 1],
    ["order 3", { solver_order: 3 }, 2],
  ] as const
) {
  Deno.test(`a step is exact for a clean sample that is linear in lambda: ${name}`, () => {
    const { steps } = makeDpmSolver(configOf(options), { steps: 20 });
    const levels = steps.map(({ timestep }) =>
      levelOfSigma(sigmaOfTimestep(training, timestep), timestep)
    );
    const [from, to] = [levels[i], levels[i + 1]];
    const clean = (level: NoiseLevel) =>
      0.7 + 0.2 * (lambda(level) - lambda(from));
    const { latents: [own], predictions } = steps[i];
    const found = own * 0.5 +
      predictions.reduce((sum, w, k) => sum + w * clean(levels[i - k]), 0);
    // noise'/noise x + noise' ∫ e^λ clean dλ, Proposition 4.1 of arXiv 2211.01095
    const h = lambda(to) - lambda(from);
    const integral = (0.7 - 0.2) * Math.expm1(h) + 0.2 * h * Math.exp(h);
    const expected = to.noise / from.noise * 0.5 +
      to.noise * from.signal / from.noise * integral;
    assertAlmostEquals(found, expected, 1e-9);
  });
}

Deno.test("makeDpmSolver() ends at the clean sample, or at the least noise of the training", () => {
  const [last] = makeDpmSolver(config, { steps: 4 }).steps.slice(-1);
  assertEquals([last.latents, last.predictions], [[0], [1]]);
  const toLeast = {
    ...config,
    end: "training",
    solverOrder: 1,
  } as const;
  const [short] = makeDpmSolver(toLeast, { steps: 4 }).steps.slice(-1);
  const { noise } = levelOfSigma(training.sigmas[0], 0);
  const from = sigmaOfTimestep(training, short.timestep);
  assertAlmostEquals(
    short.latents[0],
    noise / levelOfSigma(from, 0).noise,
    1e-12,
  );
});

Deno.test("makeDpmSolver() leaves out timesteps below lambda_min_clipped", () => {
  const cosine = dpmSolverConfig(parseSchedulerConfig({
    beta_schedule: "squaredcos_cap_v2",
    lambda_min_clipped: -5.1,
  }, "cosine"));
  const { steps: [{ timestep }] } = makeDpmSolver(cosine, { steps: 10 });
  const { sigmas } = trainingSigmas(cosine);
  assert(-Math.log(sigmas[timestep]) >= -5.1);
  assert(-Math.log(sigmas[timestep + 1]) < -5.1);
  // Trailing spacing keeps its stride, and has fewer steps.
  const trailing = makeDpmSolver(
    { ...cosine, timestepSpacing: "trailing", lambdaMinClipped: 0 },
    { steps: 10 },
  );
  assert(trailing.steps.length < 10);
});

Deno.test("makeDpmSolver() starts from almost pure noise at zero terminal SNR", () => {
  const zeroSnr = configOf({
    rescale_betas_zero_snr: true,
    prediction_type: "v_prediction",
  });
  const { steps } = makeDpmSolver(zeroSnr, { steps: 10 });
  assertEquals(steps[0].timestep, 999);
  assert(
    steps.every(({ latents, predictions }) =>
      [...latents, ...predictions].every(Number.isFinite)
    ),
  );
});

Deno.test("makeDpmSolver() takes other solvers' types as midpoint, and refuses steps and timesteps that it cannot use", () => {
  const bh2 = makeDpmSolver(configOf({ solver_type: "bh2" }), { steps: 3 });
  assertEquals(bh2, makeDpmSolver(config, { steps: 3 }));
  assertThrows(
    () => makeDpmSolver(config, { steps: 0 }),
    RangeError,
    "steps is",
  );
  assertThrows(
    () =>
      makeDpmSolver(configOf({ use_lu_lambdas: true }), { timesteps: [9, 1] }),
    TypeError,
    "the scheduler config has use_lu_lambdas, which places the sigmas itself",
  );
});
