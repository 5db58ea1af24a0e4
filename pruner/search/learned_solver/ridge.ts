/**
 * A schedule's weights in closed form: at each node, the combination of the noise
 * and of the solver's own outputs so far that comes closest to the teacher's state,
 * so that earlier errors are corrected.
 */
import { float32 } from "@dip-go/core/tensor";
import {
  type Combination,
  type SolverSessions,
  weightsOf,
} from "@dip-go/supernet/solver";
import { dot, range, rowsOf, sum } from "../../numbers.ts";
import { Cholesky } from "./cholesky.ts";
import { type SolverForm, SolverSpace } from "./solver_space.ts";
import type { Teacher, TeacherBatch } from "./teacher.ts";

/** The ridges, relative to each coordinate's square: the whitening of the refinement is softer. */
const ridge = { solved: 1e-7, whitened: 1e-6 };

/** A fit, with the whitening for its refinement. */
export interface RidgeFit {
  readonly space: SolverSpace;
  /** The coordinates of each node. */
  readonly coordinates: readonly (readonly number[])[];
  /** The whitening of each node's coordinates. */
  readonly whitening: readonly Cholesky[];
  /** Final latents of each batch, `[B, C, H, W]`. */
  readonly latents: readonly Float32Array[];
}

/** A batch on the solver's own trajectory: the noise, then all outputs so far. */
interface FittedRun {
  readonly batch: TeacherBatch;
  readonly elements: Float32Array[];
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
  }));
  const products: number[][] = [];
  const coordinates: number[][] = [];
  const whitening: Cholesky[] = [];
  const combine = ({ elements }: FittedRun, combination: Combination) => {
    const weights = weightsOf(combination);
    const read = elements.slice(0, weights.length)
      .map((own) => float32([1, own.length], own));
    return sessions.combine({ elements: read, weights });
  };
  const solve = (node: number) => {
    addProducts(products, runs);
    const own = space.products(node, products);
    const right = space.toCoordinates(node, targets(runs, space.step(node)));
    coordinates.push(new Cholesky(own, ridge.solved).solve(right));
    whitening.push(new Cholesky(own, ridge.whitened));
  };
  for (const node of form.schedule.keys()) {
    solve(node);
    const evaluation = space.evaluation(node, coordinates[node]);
    for (const run of runs) {
      const outputs = await sessions.evaluate({
        ...evaluation,
        sample: await combine(run, evaluation),
        conditioning: run.batch.conditioning,
      });
      run.elements.push(...rowsOf(outputs, space.counts[node]));
    }
  }
  const last = form.schedule.length;
  solve(last);
  const combination = space.combination(last, coordinates[last]);
  const latents: Float32Array[] = [];
  for (const run of runs) latents.push((await combine(run, combination)).data);
  return { space, coordinates, whitening, latents };
}

const meanOf = (
  runs: readonly FittedRun[],
  of: (run: FittedRun) => number,
): number => sum(runs.map(of)) / (runs.length * runs[0].elements[0].length);

/** Adds the products of new elements. */
function addProducts(products: number[][], runs: readonly FittedRun[]): void {
  for (let a = products.length; a < runs[0].elements.length; a++) {
    const row = range(a + 1).map((b) =>
      meanOf(runs, ({ elements }) => dot(elements[a], elements[b]))
    );
    row.slice(0, a).forEach((value, b) => products[b].push(value));
    products.push(row);
  }
}

/** Products of elements with the teacher's state before a step, or with the final latents. */
const targets = (runs: readonly FittedRun[], step: number): number[] =>
  runs[0].elements.map((_, a) =>
    meanOf(
      runs,
      ({ elements, batch: { states, target } }) =>
        dot(elements[a], states[step]?.latents ?? target),
    )
  );
