/**
 * Refines a fitted solver end to end: one Gauss-Newton step on its whitened
 * coordinates, by the error of the final latents. Least squares aims at the teacher's
 * state at each node; this step aims at the picture. The latents' derivatives are
 * differences of runs, so that the network need not be differentiated.
 */
import type { SolverSessions } from "@dip-go/supernet/solver";
import { dot, range, rowsOf, sum } from "../../numbers.ts";
import { Cholesky } from "./cholesky.ts";
import { type PictureProducts, reweighted } from "./reweighted.ts";
import {
  evaluated,
  finished,
  grown,
  type RidgeFit,
  type Run,
} from "./ridge.ts";

/** The change of a coordinate that derivatives are measured by, as a factor of the fit's root mean squared error. */
const difference = 0.3;

/** Levenberg's and Marquardt's damping, relative to the derivatives' mean square. */
const damping = 0.1;

/** An evaluation as differences are priced: its number of outputs, and its cost in calls. */
export interface PricedEvaluation {
  readonly outputs: number;
  readonly cost: number;
}

/** The calls of one picture's differences: a run from its node on for each coordinate after the first node's. */
export function differenceCalls(
  evaluations: readonly PricedEvaluation[],
): number {
  let coordinates = 1;
  return sum(evaluations.map(({ outputs }, node) => {
    const rest = sum(evaluations.slice(node).map(({ cost }) => cost));
    const own = node === 0 ? 0 : coordinates * rest;
    coordinates += outputs;
    return own;
  }));
}

/**
 * Refines a fit; returns it unchanged if the refined one errs no less on its pictures.
 *
 * @param shown The number of first batches whose runs are differentiated.
 */
export async function refined(
  sessions: SolverSessions,
  fit: RidgeFit,
  shown: number,
  note: (done: number) => void = () => {},
): Promise<RidgeFit> {
  const { space, runs } = fit;
  const last = space.form.schedule.length;
  const pictures: PictureProducts[] = [];
  for (const run of runs.slice(0, shown)) {
    pictures.push(...await differentiated(sessions, fit, run));
    note(pictures.length);
  }
  const { weights: z } = reweighted(
    pictures,
    ({ elements, target }) => {
      const mean = sum(elements.map((row, a) => row[a])) / elements.length;
      const damped = elements.map((row, a) =>
        row.with(a, row[a] + damping * mean)
      );
      return { weights: new Cholesky(damped, 0).solve(target) };
    },
    pictures.map(({ square }) => square),
  );
  let at = 0;
  const coordinates = fit.coordinates.slice(0, last).map((own, node) =>
    node === 0 ? own : moved(fit, node, z.slice(at, at += own.length))
  );
  const next = [];
  for (const { batch } of runs) {
    let run = grown({ batch, elements: [], products: [] }, [
      batch.latents.data,
    ]);
    for (const [node, own] of coordinates.entries()) {
      const evaluation = space.evaluation(node, own);
      run = grown(run, await evaluated(sessions, run, evaluation));
    }
    next.push(run);
  }
  const { whitening } = fit;
  const found = finished(space, {
    coordinates,
    whitening: whitening.slice(0, last),
    runs: next,
  });
  return found.loss < fit.loss ? found : fit;
}

/** A node's coordinates, moved by whitened ones. */
function moved(
  { coordinates, whitening }: RidgeFit,
  node: number,
  z: readonly number[],
): number[] {
  const moves = whitening[node].unwhitened(z);
  return coordinates[node].map((value, c) => value + moves[c]);
}

/** Unit vectors, `[size, size]`. */
const units = (size: number) =>
  range(size).map((a) => range(size).map((b) => a === b ? 1 : 0));

/** Products of the final latents' derivatives by whitened coordinates, with the error as their target, for each picture. */
async function differentiated(
  sessions: SolverSessions,
  fit: RidgeFit,
  run: Run,
): Promise<PictureProducts[]> {
  const { space, coordinates, whitening, loss } = fit;
  const { batch } = run;
  const last = space.form.schedule.length;
  const weights = space.elementWeights(last, coordinates[last]);
  const found = combined(run, weights);
  const by = difference * Math.exp(loss / 2);
  const derivatives: Float32Array[] = [];
  for (const node of range(last).slice(1)) {
    for (const unit of units(coordinates[node].length)) {
      const own = moved(fit, node, unit.map((z) => by * z));
      const ended = await rerun(sessions, fit, run, { node, own });
      const changed = combined(ended, weights);
      derivatives.push(changed.map((value, i) => (value - found[i]) / by));
    }
  }
  for (const unit of units(coordinates[last].length)) {
    const own = whitening[last].unwhitened(unit);
    derivatives.push(combined(run, space.elementWeights(last, own)));
  }
  const error = batch.target.map((value, i) => value - found[i]);
  const pictures = batch.latents.shape[0];
  const rows = derivatives.map((own) => rowsOf(own, pictures));
  return rowsOf(error, pictures).map((error, picture) => {
    const own = rows.map((row) => row[picture]);
    const on = (other: Float32Array) =>
      own.map((each) => dot(each, other) / error.length);
    return {
      elements: own.map(on),
      target: on(error),
      square: dot(error, error) / error.length,
    };
  });
}

/** A run from a node on, with other coordinates there. */
async function rerun(
  sessions: SolverSessions,
  { space, coordinates }: RidgeFit,
  { batch, elements }: Run,
  { node, own }: { readonly node: number; readonly own: readonly number[] },
): Promise<Run> {
  const known = 1 + sum(space.counts.slice(0, node));
  let run = { batch, elements: elements.slice(0, known) };
  for (const k of range(space.form.schedule.length).slice(node)) {
    const evaluation = space.evaluation(k, k === node ? own : coordinates[k]);
    const outputs = await evaluated(sessions, run, evaluation);
    run = { batch, elements: [...run.elements, ...outputs] };
  }
  return run;
}

/** The weighted sum of a run's elements. */
function combined(
  { elements }: Run,
  weights: readonly number[],
): Float32Array {
  const sum = new Float32Array(elements[0].length);
  weights.forEach((weight, a) => {
    const own = elements[a];
    for (let i = 0; i < sum.length; i++) sum[i] += weight * own[i];
  });
  return sum;
}
