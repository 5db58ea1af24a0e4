/** Opens a learned solver to sample with. */
import type { LatentSampler, PipelineSampler } from "@dip-go/core/pipeline";
import type { SessionOptions } from "@dip-go/core/runtime";
import { checkInputs, runSolver } from "./run_solver.ts";
import { checkHalves, type Solver } from "./solver.ts";
import { solverNetworks, SolverSessions } from "./solver_sessions.ts";

/**
 * Opens a plan's solver for so many pictures at once.
 *
 * @param options Session options; the pipeline's by default.
 * @throws {RangeError} If the solver's halves do not fit the sampler's guidance.
 */
export function openSolver(
  sampler: PipelineSampler,
  solver: Solver,
  { images, ...options }: SessionOptions & { readonly images: number },
): LatentSampler {
  checkHalves(solver, sampler.guided);
  const sessions = new SolverSessions(solverNetworks(sampler, images), {
    ...sampler.pipeline.sessions,
    ...options,
  });
  return {
    async sample({ observe, ...request }) {
      checkInputs(request);
      const note = (step: number) => observe?.({ step });
      return await runSolver(sessions, solver, request, note);
    },
    [Symbol.asyncDispose]: () => sessions[Symbol.asyncDispose](),
  };
}
