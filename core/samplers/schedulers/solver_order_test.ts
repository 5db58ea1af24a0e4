/**
 * Samplers against an exact solution. If the data are normal with standard
 * deviation s, the best epsilon is known, and the probability flow takes x to
 * x · sd'/sd, with sd² = s² signal² + noise²: errors show a solver's order.
 */
import { assert } from "@std/assert";
import { dpmSolverConfig, makeDpmSolver } from "./exponential/dpm_solver.ts";
import { eulerConfig, makeEuler } from "./sigma/euler.ts";
import { makePndm, pndmConfig } from "./discrete/pndm.ts";
import { levelOfSigma, type NoiseLevel } from "../schedule/prediction.ts";
import type { Sampler } from "../sampler.ts";
import { parseSchedulerConfig } from "../schedule/read_scheduler_config.ts";
import { times } from "../../tensor/vectors.ts";
import { nextState, startState } from "../sampler_state.ts";
import { sigmaOfTimestep, trainingSigmas } from "../schedule/sigmas.ts";

const parsed = (own: object) =>
  parseSchedulerConfig({
    beta_schedule: "scaled_linear",
    beta_start: 0.00085,
    beta_end: 0.012,
    timestep_spacing: "linspace",
    ...own,
  }, "test");
const config = eulerConfig(parsed({}));
const training = trainingSigmas(config);
const leading = pndmConfig(parsed({ timestep_spacing: "leading" }));
const dataDeviation = 0.3;

function deviation({ signal, noise }: NoiseLevel): number {
  return Math.hypot(dataDeviation * signal, noise);
}

/** The relative error half way, if sampling begins with x = 1. */
function errorOf({ steps, ...sampler }: Sampler): number {
  const levels = steps.map(({ timestep }) =>
    levelOfSigma(sigmaOfTimestep(training, timestep), timestep)
  );
  const half = steps.length >> 1;
  const one = Float32Array.of(1);
  let state = startState({ ...sampler, steps, initNoiseSigma: 1 }, one);
  for (let i = 0; i < half; i++) {
    const { inputScale } = steps[i];
    const { noise } = levels[i];
    const epsilon = noise / deviation(levels[i]) ** 2;
    const prediction = times(state.latents, inputScale * epsilon);
    state = nextState({ ...sampler, steps }, i, { state, prediction });
  }
  const size = (i: number) => deviation(levels[i]) / steps[i].inputScale;
  return Math.abs(state.latents[0] * size(0) / size(half) - 1);
}

/** Errors at 40 and 80 steps. */
function errors(make: (steps: number) => Sampler): number[] {
  return [40, 80].map((steps) => errorOf(make(steps)));
}

const solver = (solver_order: number, solver_type = "midpoint") => {
  const own = dpmSolverConfig(parsed({ solver_order, solver_type }));
  return errors((steps) => makeDpmSolver(own, { steps }));
};

Deno.test("solvers of order 1 halve their error with twice the steps", () => {
  const euler = errors((steps) => makeEuler(config, { steps }));
  for (const [rough, fine] of [solver(1), euler]) {
    assert(rough < 2e-3 && fine / rough > 0.4 && fine / rough < 0.6);
  }
});

Deno.test("multistep solvers quarter their error with twice the steps, as their start is of lower order", () => {
  const plms = errors((steps) => makePndm(leading, { steps }));
  for (const [rough, fine] of [solver(2), solver(2, "heun"), solver(3), plms]) {
    assert(rough < 1e-4 && fine / rough < 0.3, `${rough} ${fine}`);
  }
});

Deno.test("order 3 is closer than order 2, which is closer than order 1", () => {
  const [first, second, third] = [1, 2, 3].map((order) => solver(order)[0]);
  assert(third < 0.5 * second && second < 0.2 * first);
});
