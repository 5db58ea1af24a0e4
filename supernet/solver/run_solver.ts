/** Runs of a learned solver: forward to the latents, and the gradient of its weights and timesteps. */
import { refuseRescale, type SamplingInputs } from "@dip-go/core/pipeline";
import type { PlacedTensor } from "@dip-go/core/runtime";
import { float32, sizeOf, type Tensor } from "@dip-go/core/tensor";
import { Cotangents, Tape } from "../workspace/tape.ts";
import type { Computes } from "../workspace/workspace.ts";
import { type Combination, type Solver, weightsOf } from "./solver.ts";
import type { SolverSessions } from "./solver_sessions.ts";

/** The initial noise, `latents`, and the conditioning. */
export type SolverInputs = Pick<SamplingInputs, "latents" | "conditioning">;

/** The gradient of a loss on the final latents with respect to a solver. */
export interface SolverGradient {
  /** The gradient of each evaluation's weights, then of the final latents' weights, `[E]` each. */
  readonly weights: readonly Float32Array[];
  readonly timesteps: readonly Float32Array[];
}

/** Called after each evaluation. */
type Observe = (evaluation: number) => void | Promise<void>;

/** Runs a solver. @returns The final latents, and the tensors of weights and timesteps that it read. */
async function made(
  sessions: SolverSessions,
  computes: Computes,
  { evaluations, latents: last }: Solver,
  { latents: noise, conditioning }: SolverInputs,
  observe?: Observe,
) {
  const row = float32([1, sizeOf(noise.shape)], noise.data);
  const elements: PlacedTensor[] = [row];
  const weights: Tensor[] = [];
  const timesteps: Tensor[] = [];
  const combined = (own: Combination) => {
    const row = weightsOf(own);
    weights.push(float32([1, row.length], row));
    const terms = { elements, weights: weights[weights.length - 1] };
    return sessions.combined(computes, terms);
  };
  for (const [k, evaluation] of evaluations.entries()) {
    const sample = await combined(evaluation);
    timesteps.push(float32([1], [evaluation.timestep]));
    const { halves } = evaluation;
    const at = { halves, timestep: timesteps[k], sample, conditioning };
    elements.push(await sessions.evaluated(computes, at));
    await observe?.(k);
  }
  return { latents: await combined(last), weights, timesteps };
}

/** Samples the final latents, `[B, C, H, W]`. */
export async function runSolver(
  sessions: SolverSessions,
  solver: Solver,
  inputs: SolverInputs,
  observe?: Observe,
): Promise<Tensor<"float32">> {
  using workspace = sessions.enter();
  const { latents } = await made(sessions, workspace, solver, inputs, observe);
  return float32(sessions.shape, await workspace.read(latents));
}

/**
 * The gradient of a loss on the final latents.
 *
 * @param cotangent Returns the cotangent of the latents, `[B, C, H, W]`.
 */
export async function solverGradient(
  sessions: SolverSessions,
  solver: Solver,
  inputs: SolverInputs,
  cotangent: (
    latents: Tensor<"float32">,
  ) => Float32Array | Promise<Float32Array>,
): Promise<SolverGradient> {
  using workspace = sessions.enter();
  const tape = new Tape(workspace);
  const run = await made(sessions, tape, solver, inputs);
  const { shape } = sessions;
  const latents = float32(shape, await workspace.read(run.latents));
  const back = new Cotangents(workspace);
  await back.add(run.latents, float32(shape, await cotangent(latents)));
  await back.through(tape.cut());
  const read = (leaves: readonly Tensor[]) =>
    Promise.all(leaves.map((leaf) => workspace.read(back.take(leaf)!)));
  return {
    weights: await read(run.weights),
    timesteps: await read(run.timesteps),
  };
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
