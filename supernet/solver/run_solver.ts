/** A learned solver's run: forward to the latents, and the gradient of its weights and timesteps. */
import { refuseRescale, type SamplingInputs } from "@dip-go/core/pipeline";
import type { Tensor } from "@dip-go/core/tensor";
import { addInto, sizeOf } from "@dip-go/core/tensor";
import {
  type Evaluation,
  outputsOf,
  type Solver,
  weightsOf,
} from "./solver.ts";
import type { SolverSessions } from "./solver_sessions.ts";

/** Noise and conditions. */
export type SolverInputs = Pick<SamplingInputs, "latents" | "conditioning">;

/** A run as it was made, which its gradient reads. */
export interface SolverRun {
  /** The initial noise, then all outputs, `[E, B·C·H·W]`. */
  readonly elements: Float32Array;
  /** What the network saw. */
  readonly samples: readonly Tensor<"float32">[];
  /** Final, `[B, C, H, W]`. */
  readonly latents: Tensor<"float32">;
}

/** How a run's latents change with its solver. */
export interface SolverGradient {
  /** Of each evaluation's weights, then of the latents', `[E]` each. */
  readonly weights: readonly Float32Array[];
  readonly timesteps: readonly number[];
}

/** Called after each evaluation. */
type Observe = (evaluation: number) => void | Promise<void>;

/** Runs a solver. */
export async function runSolver(
  sessions: SolverSessions,
  { evaluations, latents: last }: Solver,
  { latents: noise, conditioning }: SolverInputs,
  observe?: Observe,
): Promise<SolverRun> {
  const size = sizeOf(noise.shape);
  const elements = new Float32Array(weightsOf(last).length * size);
  elements.set(noise.data);
  const samples: Tensor<"float32">[] = [];
  for (const [k, evaluation] of evaluations.entries()) {
    const weights = weightsOf(evaluation);
    const before = elements.subarray(0, weights.length * size);
    const sample = await sessions.combine({ elements: before, weights });
    const outputs = await sessions.evaluate({
      ...evaluation,
      sample,
      conditioning,
    });
    elements.set(outputs, before.length);
    samples.push(sample);
    await observe?.(k);
  }
  const latents = await sessions.combine({
    elements,
    weights: weightsOf(last),
  });
  return { elements, samples, latents };
}

/**
 * The gradient of a run, backwards through its combinations and evaluations.
 *
 * @param options.cotangent Of the latents, `[B, C, H, W]`.
 */
export async function solverGradient(
  sessions: SolverSessions,
  { evaluations, latents: last }: Solver,
  { run: { elements, samples }, conditioning, cotangent }: {
    readonly run: SolverRun;
    readonly conditioning: SolverInputs["conditioning"];
    readonly cotangent: Float32Array;
  },
): Promise<SolverGradient> {
  const { guided } = sessions.networks;
  const size = cotangent.length;
  const all = await sessions.combineBack(
    { elements, weights: weightsOf(last) },
    cotangent,
  );
  const d = all.elements;
  const weights = [all.weights];
  const timesteps: number[] = [];
  for (let k = evaluations.length - 1; k >= 0; k--) {
    const evaluation: Evaluation = evaluations[k];
    const own = weightsOf(evaluation);
    const [from, count] = [own.length, outputsOf(evaluation.halves, guided)];
    const { sample, timestep } = await sessions.evaluateBack(
      { ...evaluation, sample: samples[k], conditioning },
      d.subarray(from * size, (from + count) * size),
    );
    const before = elements.subarray(0, from * size);
    const back = await sessions.combineBack(
      { elements: before, weights: own },
      sample,
    );
    addInto(d.subarray(0, before.length), back.elements);
    weights.unshift(back.weights);
    timesteps.unshift(timestep);
  }
  return { weights, timesteps };
}

/**
 * Refuses what a solver does not do.
 *
 * @throws {TypeError} If a part of the picture stays, guided predictions are rescaled, or pictures have a scale of guidance each.
 */
export function checkInputs(
  { known, guidanceRescale, guidanceScales }: Pick<
    SamplingInputs,
    "known" | "guidanceRescale" | "guidanceScales"
  >,
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
