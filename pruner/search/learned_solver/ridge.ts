/**
 * A schedule's weights by least squares: at each node, the combination of the noise
 * and of the solver's own outputs so far that comes closest to the teacher's state,
 * so that earlier errors are corrected.
 */
import { float32 } from "@dip-go/core/tensor";
import {
  type Combination,
  type Solver,
  type SolverSessions,
  weightsOf,
} from "@dip-go/supernet/solver";
import { dot, range, rowsOf, sum } from "../../numbers.ts";
import type { Cholesky } from "./cholesky.ts";
import { type PictureProducts, reweighted } from "./reweighted.ts";
import { type SolverForm, SolverSpace } from "./solver_space.ts";
import type { Teacher, TeacherBatch } from "./teacher.ts";

/** A fit, with the whitening for its refinement. */
export interface RidgeFit {
  readonly space: SolverSpace;
  readonly solver: Solver;
  /** The coordinates of each node. */
  readonly coordinates: readonly (readonly number[])[];
  /** The whitening of each node's coordinates. */
  readonly whitening: readonly Cholesky[];
  /** The mean log squared error of the final latents of the pictures that it is fitted to. */
  readonly loss: number;
}

/** The addend to squared errors of latents under a logarithm. */
export const errorFloor = 1e-6;

/** A batch on the solver's own trajectory: the noise, then all outputs so far. */
interface FittedRun {
  readonly batch: TeacherBatch;
  readonly elements: Float32Array[];
  /** The mean products of elements so far, for each picture. */
  readonly products: readonly number[][][];
}

/** Fits a form on a teacher's batches. */
export async function ridgeFit(
  sessions: SolverSessions,
  teacher: Teacher,
  form: SolverForm,
): Promise<RidgeFit> {
  const space = new SolverSpace(form, teacher);
  const runs = teacher.batches.map((batch): FittedRun => ({
    batch,
    elements: [batch.latents.data],
    products: range(batch.latents.shape[0]).map(() => []),
  }));
  const coordinates: number[][] = [];
  const whitening: Cholesky[] = [];
  const combine = ({ elements }: FittedRun, combination: Combination) => {
    const weights = weightsOf(combination);
    const read = elements.slice(0, weights.length)
      .map((own) => float32([1, own.length], own));
    const row = float32([1, weights.length], weights);
    return sessions.combine({ elements: read, weights: row });
  };
  const solve = (node: number) => {
    const step = space.step(node);
    const pictures = runs.flatMap((run) => productsAt(run, step));
    const solved = reweighted(space, node, pictures);
    coordinates.push(solved.coordinates);
    whitening.push(solved.whitening);
    return solved.errors;
  };
  for (const node of form.schedule.keys()) {
    solve(node);
    const evaluation = space.evaluation(node, coordinates[node]);
    for (const run of runs) {
      const outputs = await sessions.evaluate({
        halves: evaluation.halves,
        timestep: float32([1], [evaluation.timestep]),
        sample: await combine(run, evaluation),
        conditioning: run.batch.conditioning,
      });
      run.elements.push(...rowsOf(outputs, space.counts[node]));
    }
  }
  const errors = solve(form.schedule.length);
  const logs = errors.map((error) => Math.log(error + errorFloor));
  const solver = space.solver(coordinates);
  return {
    space,
    solver,
    coordinates,
    whitening,
    loss: sum(logs) / logs.length,
  };
}

/** Products of each picture of a run at the node that should reach the state before a step, or the final latents. */
function productsAt(
  { elements, products, batch: { states, target } }: FittedRun,
  step: number,
): PictureProducts[] {
  const reached = rowsOf(states[step]?.latents ?? target, products.length);
  const rows = elements.map((own) => rowsOf(own, products.length));
  return products.map((known, picture) => {
    const own = rows.map((row) => row[picture]);
    addProducts(known, own);
    const to = reached[picture];
    return {
      elements: known,
      target: own.map((each) => dot(each, to) / to.length),
      square: dot(to, to) / to.length,
    };
  });
}

/** Adds the mean products of new elements of a picture. */
function addProducts(
  products: number[][],
  elements: readonly Float32Array[],
): void {
  for (let a = products.length; a < elements.length; a++) {
    const row = range(a + 1).map((b) =>
      dot(elements[a], elements[b]) / elements[a].length
    );
    row.slice(0, a).forEach((value, b) => products[b].push(value));
    products.push(row);
  }
}
