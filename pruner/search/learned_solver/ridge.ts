/**
 * A schedule's weights by least squares: at each node, the combination of the noise
 * and of the solver's own outputs so far that comes closest to the teacher's state,
 * so that earlier errors are corrected.
 */
import { float32, type Tensor } from "@dip-go/core/tensor";
import {
  type Evaluation,
  type Solver,
  type SolverSessions,
  weightsOf,
} from "@dip-go/supernet/solver";
import { rowsOf, sum } from "../../numbers.ts";
import { Cholesky } from "./cholesky.ts";
import { type PictureProducts, productsOf, reweighted } from "./reweighted.ts";
import { type SolverForm, SolverSpace } from "./solver_space.ts";
import type { Teacher, TeacherBatch } from "./teacher.ts";

/** The first nodes of a solver, fitted. */
interface Fitted {
  /** The coordinates of each node. */
  readonly coordinates: readonly (readonly number[])[];
  /** The whitening of each node's coordinates. */
  readonly whitening: readonly Cholesky[];
  readonly runs: readonly Run[];
}

/** A fit, with the whitening and the runs for its refinement. */
export interface RidgeFit extends Fitted {
  readonly space: SolverSpace;
  readonly solver: Solver;
  /** The mean log squared error of the final latents of the pictures that it is fitted to. */
  readonly loss: number;
}

/** A batch on the solver's own trajectory: the noise, then all outputs so far, `[B·C·H·W]` each. */
export interface Run {
  readonly batch: TeacherBatch;
  readonly elements: readonly Float32Array[];
}

/** The addend to squared errors of latents under a logarithm. */
const errorFloor = 1e-6;

/** The ridges, relative to each coordinate's square: the whitening of the refinement is softer. */
const ridge = { solved: 1e-7, whitened: 1e-6 };

/**
 * Fits forms on a teacher's batches. Those that begin alike share the weights and
 * the calls of their beginning.
 */
export async function* ridgeFits(
  sessions: SolverSessions,
  teacher: Teacher,
  forms: readonly SolverForm[],
): AsyncGenerator<RidgeFit> {
  const spaces = forms.map((form) => new SolverSpace(form, teacher));
  const runs = teacher.batches.map(startOf);
  yield* fitsFrom(sessions, spaces, { coordinates: [], whitening: [], runs });
}

/** The fits of forms whose first nodes are fitted. */
async function* fitsFrom(
  sessions: SolverSessions,
  spaces: readonly SolverSpace[],
  fitted: Fitted,
): AsyncGenerator<RidgeFit> {
  const node = fitted.coordinates.length;
  const alike = Map.groupBy(
    spaces,
    ({ form: { schedule, joined } }) =>
      JSON.stringify([schedule[node], joined]),
  );
  for (const [space, ...others] of alike.values()) {
    if (node === space.form.schedule.length) {
      yield finished(space, fitted);
      continue;
    }
    const { coordinates, whitening, runs } = fitted;
    const solved = solvedNode(space, node, runs);
    const evaluation = space.evaluation(node, solved.coordinates);
    const next: Run[] = [];
    for (const run of runs) {
      next.push(await evaluated(sessions, run, evaluation));
    }
    yield* fitsFrom(sessions, [space, ...others], {
      coordinates: [...coordinates, solved.coordinates],
      whitening: [...whitening, solved.whitening],
      runs: next,
    });
  }
}

/** The run of a batch that knows the noise alone. */
export const startOf = (batch: TeacherBatch): Run => ({
  batch,
  elements: [batch.latents.data],
});

/** A run with the network's outputs for a combination of its elements. */
export async function evaluated(
  sessions: SolverSessions,
  run: Run,
  evaluation: Evaluation,
): Promise<Run> {
  const { batch, elements } = run;
  const { halves, timestep } = evaluation;
  const made = await sessions.evaluate({
    halves,
    timestep: float32([1], [timestep]),
    sample: await combined(sessions, run, weightsOf(evaluation)),
    conditioning: batch.conditioning,
  });
  const outputs = rowsOf(made, made.length / elements[0].length);
  return { batch, elements: [...elements, ...outputs] };
}

/** The weighted sum of a run's first elements, `[B, C, H, W]`. */
export const combined = (
  sessions: SolverSessions,
  { elements }: Run,
  weights: readonly number[],
): Promise<Tensor<"float32">> =>
  sessions.combine({
    elements: elements.slice(0, weights.length)
      .map((own) => float32([1, own.length], own)),
    weights: float32([1, weights.length], weights),
  });

/** Ends the fit of nodes before the final latents. */
export function finished(space: SolverSpace, fitted: Fitted): RidgeFit {
  const { coordinates: first, whitening, runs } = fitted;
  const last = solvedNode(space, space.form.schedule.length, runs);
  const coordinates = [...first, last.coordinates];
  const logs = last.errors.map((error) => Math.log(error + errorFloor));
  return {
    space,
    coordinates,
    whitening: [...whitening, last.whitening],
    runs,
    solver: space.solver(coordinates),
    loss: sum(logs) / logs.length,
  };
}

/** Solves a node's coordinates, and whitens them by the last round's products; `errors` are the pictures'. */
function solvedNode(space: SolverSpace, node: number, runs: readonly Run[]) {
  const step = space.step(node);
  const pictures = runs.flatMap(({ batch, elements }) =>
    picturesOf(elements, batch.states[step]?.latents ?? batch.target, batch)
  );
  const { own, ...solved } = reweighted(pictures, ({ elements, target }) => {
    const own = space.products(node, elements);
    const coordinates = new Cholesky(own, ridge.solved)
      .solve(space.toCoordinates(node, target));
    const weights = space.elementWeights(node, coordinates);
    return { coordinates, weights, own };
  });
  return { ...solved, whitening: new Cholesky(own, ridge.whitened) };
}

/** The products of each of a batch's pictures. @param elements Elements and target are `[B·C·H·W]`. */
export function picturesOf(
  elements: readonly Float32Array[],
  target: Float32Array,
  { latents: { shape: [pictures] } }: TeacherBatch,
): PictureProducts[] {
  const rows = elements.map((own) => rowsOf(own, pictures));
  return rowsOf(target, pictures).map((own, picture) =>
    productsOf(rows.map((row) => row[picture]), own)
  );
}
