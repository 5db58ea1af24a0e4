/**
 * A schedule's weights by least squares: at each node, the combination of the noise
 * and of the solver's own outputs so far that comes closest to the teacher's state,
 * so that earlier errors are corrected.
 */
import { float32 } from "@dip-go/core/tensor";
import {
  type Evaluation,
  type Solver,
  type SolverSessions,
  weightsOf,
} from "@dip-go/supernet/solver";
import { dot, range, rowsOf, sum } from "../../numbers.ts";
import { Cholesky } from "./cholesky.ts";
import { type PictureProducts, reweighted } from "./reweighted.ts";
import { type SolverForm, SolverSpace } from "./solver_space.ts";
import type { Teacher, TeacherBatch } from "./teacher.ts";

/** The first nodes of a solver, fitted. */
interface Fitted {
  /** The coordinates of each node. */
  readonly coordinates: readonly (readonly number[])[];
  /** The whitening of each node's coordinates. */
  readonly whitening: readonly Cholesky[];
  readonly runs: readonly FittedRun[];
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

interface FittedRun extends Run {
  /** The mean products of elements so far, for each picture. */
  readonly products: readonly (readonly (readonly number[])[])[];
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
  const runs = teacher.batches.map((batch) =>
    grown({ batch, elements: [], products: [] }, [batch.latents.data])
  );
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
    const next: FittedRun[] = [];
    for (const run of runs) {
      next.push(grown(run, await evaluated(sessions, run, evaluation)));
    }
    yield* fitsFrom(sessions, [space, ...others], {
      coordinates: [...coordinates, solved.coordinates],
      whitening: [...whitening, solved.whitening],
      runs: next,
    });
  }
}

/** Evaluates the network on a run's combination of elements; returns its outputs. */
export async function evaluated(
  sessions: SolverSessions,
  { batch: { conditioning }, elements }: Run,
  evaluation: Evaluation,
): Promise<Float32Array[]> {
  const { halves, timestep } = evaluation;
  const weights = weightsOf(evaluation);
  const sample = await sessions.combine({
    elements: elements.slice(0, weights.length)
      .map((own) => float32([1, own.length], own)),
    weights: float32([1, weights.length], weights),
  });
  const made = await sessions.evaluate({
    halves,
    timestep: float32([1], [timestep]),
    sample,
    conditioning,
  });
  return rowsOf(made, made.length / elements[0].length);
}

/** A run with more elements. */
export function grown(
  { batch, elements, products }: FittedRun,
  outputs: readonly Float32Array[],
): FittedRun {
  const pictures = batch.latents.shape[0];
  const all = [...elements, ...outputs];
  const rows = all.map((own) => rowsOf(own, pictures));
  return {
    batch,
    elements: all,
    products: range(pictures).map((picture) =>
      grownProducts(products[picture] ?? [], rows.map((row) => row[picture]))
    ),
  };
}

/** The mean products of a picture's elements, of which the first are known. */
function grownProducts(
  known: readonly (readonly number[])[],
  elements: readonly Float32Array[],
): number[][] {
  const size = elements[0].length;
  const products = known.map((row) => [...row]);
  for (let a = known.length; a < elements.length; a++) {
    const row = range(a + 1).map((b) => dot(elements[a], elements[b]) / size);
    row.slice(0, a).forEach((value, b) => products[b].push(value));
    products.push(row);
  }
  return products;
}

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
function solvedNode(
  space: SolverSpace,
  node: number,
  runs: readonly FittedRun[],
) {
  const step = space.step(node);
  const pictures = runs.flatMap((run) => productsAt(run, step));
  return reweighted(pictures, ({ elements, target }) => {
    const own = space.products(node, elements);
    const coordinates = new Cholesky(own, ridge.solved)
      .solve(space.toCoordinates(node, target));
    const weights = space.elementWeights(node, coordinates);
    return {
      coordinates,
      weights,
      whitening: new Cholesky(own, ridge.whitened),
    };
  });
}

/** Products of each picture of a run at the node that should reach the state before a step, or the final latents. */
function productsAt(
  { elements, products, batch: { states, target } }: FittedRun,
  step: number,
): PictureProducts[] {
  const reached = rowsOf(states[step]?.latents ?? target, products.length);
  const rows = elements.map((own) => rowsOf(own, products.length));
  return products.map((known, picture) => {
    const to = reached[picture];
    return {
      elements: known,
      target: rows.map((row) => dot(row[picture], to) / to.length),
      square: dot(to, to) / to.length,
    };
  });
}
