/** Runs of a learned solver, and what they cannot sample. */
import { refuseRescale, type SamplingInputs } from "@dip-go/core/pipeline";
import type { PlacedTensor } from "@dip-go/core/runtime";
import { float32, sizeOf, type Tensor } from "@dip-go/core/tensor";
import { type Combination, type Solver, weightsOf } from "./solver.ts";
import type { SolverSessions } from "./solver_sessions.ts";

/** The initial noise, `latents`, and the conditioning. */
export type SolverInputs = Pick<SamplingInputs, "latents" | "conditioning">;

/** Called after each evaluation. */
type Observe = (evaluation: number) => void | Promise<void>;

/** Samples the final latents, `[B, C, H, W]`. */
export async function runSolver(
  sessions: SolverSessions,
  { evaluations, latents: last }: Solver,
  { latents: noise, conditioning }: SolverInputs,
  observe?: Observe,
): Promise<Tensor<"float32">> {
  using workspace = sessions.enter();
  const row = float32([1, sizeOf(noise.shape)], noise.data);
  const elements: PlacedTensor[] = [row];
  const combined = (own: Combination) => {
    const weights = weightsOf(own);
    const row = float32([1, weights.length], weights);
    return sessions.combined(workspace, { elements, weights: row });
  };
  for (const [k, evaluation] of evaluations.entries()) {
    const sample = await combined(evaluation);
    const timestep = float32([1], [evaluation.timestep]);
    const { halves } = evaluation;
    const at = { halves, timestep, sample, conditioning };
    elements.push(await sessions.evaluated(workspace, at));
    await observe?.(k);
  }
  const latents = await combined(last);
  return float32(sessions.shape, await workspace.read(latents));
}

/**
 * Refuses requests that a solver cannot sample.
 *
 * @throws {TypeError} If a part of the picture stays, predictions are rescaled, or pictures have a guidance scale each.
 */
export function checkInputs(
  { known, guidanceRescale, guidanceScales }: SamplingInputs,
): void {
  refuseRescale({ guidanceRescale }, "sample with a learned solver");
  if (guidanceScales) {
    throw new TypeError(
      "Cannot sample with a learned solver: pictures have a scale of guidance each, expected none, as the solver's weights have one in them",
    );
  }
  if (!known) return;
  throw new TypeError(
    "Cannot sample with a learned solver: a part of the pictures stays, expected a network that reads masks",
  );
}
