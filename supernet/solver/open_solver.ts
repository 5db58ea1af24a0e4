/** A learned solver, open to sample with. */
import type { LatentSampler, PipelineSampler } from "@dip-go/core/pipeline";
import type { SessionOptions } from "@dip-go/core/runtime";
import { checkInputs, runSolver } from "./run_solver.ts";
import { checkHalves, type Solver } from "./solver.ts";
import { solverNetworks, SolverSessions } from "./solver_sessions.ts";

/**
 * Opens a plan's solver for so many pictures at once.
 *
 * @param options The pipeline's by default.
 * @throws {RangeError} If its evaluations have other halves than the sampler.
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
