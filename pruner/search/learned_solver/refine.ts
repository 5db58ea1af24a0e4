/**
 * Refines a fitted solver end to end: one Gauss-Newton step on its whitened
 * coordinates, by the error of the final latents. Least squares aims at the teacher's
 * state at each node; this step aims at the picture. The latents' derivatives are
 * differences of runs, so that the network need not be differentiated.
 */
import type { SolverSessions } from "@dip-go/supernet/solver";
import { range, sum } from "../../numbers.ts";
import { Cholesky } from "./cholesky.ts";
import { type PictureProducts, reweighted } from "./reweighted.ts";
import {
  combined,
  evaluated,
  finished,
  picturesOf,
  type RidgeFit,
  type Run,
  startOf,
} from "./ridge.ts";

/** The change of a coordinate that derivatives are measured by, as a factor of the fit's root mean squared error. */
const difference = 0.3;

/** Levenberg's and Marquardt's damping, relative to the derivatives' mean square. */
const damping = 0.1;

/**
 * The calls of one picture's differences: for each coordinate after the first node's, a run from its node on.
 *
 * @param evaluations Each one's number of outputs, and its cost in calls.
 */
export function differenceCalls(
  evaluations: readonly { readonly outputs: number; readonly cost: number }[],
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
  note: (done: number, total: number) => void = () => {},
): Promise<RidgeFit> {
  const { space, runs } = fit;
  const last = space.form.schedule.length;
  const pictures: PictureProducts[] = [];
  const chosen = runs.slice(0, shown);
  for (const [i, run] of chosen.entries()) {
    pictures.push(...await differentiated(sessions, fit, run));
    note(i + 1, chosen.length);
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
  const next: Run[] = [];
  for (const { batch } of runs) {
    next.push(await rerun(sessions, fit, startOf(batch), coordinates));
  }
  const whitening = fit.whitening.slice(0, last);
  const found = finished(space, { coordinates, whitening, runs: next });
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
  const latentsOf = async (run: Run, own = coordinates[last]) =>
    (await combined(sessions, run, space.elementWeights(last, own))).data;
  const found = await latentsOf(run);
  const by = difference * Math.exp(loss / 2);
  const derivatives: Float32Array[] = [];
  for (const node of range(last).slice(1)) {
    const known = run.elements.slice(0, space.elementsBefore(node));
    const start = { batch, elements: known };
    for (const unit of units(coordinates[node].length)) {
      const own = moved(fit, node, unit.map((z) => by * z));
      const changed = coordinates.with(node, own);
      const ended = await rerun(sessions, fit, start, changed, node);
      const latents = await latentsOf(ended);
      derivatives.push(latents.map((value, i) => (value - found[i]) / by));
    }
  }
  for (const unit of units(coordinates[last].length)) {
    derivatives.push(await latentsOf(run, whitening[last].unwhitened(unit)));
  }
  const error = batch.target.map((value, i) => value - found[i]);
  return picturesOf(derivatives, error, batch);
}

/** Goes on with a run from a node, under given coordinates. */
async function rerun(
  sessions: SolverSessions,
  { space }: RidgeFit,
  run: Run,
  coordinates: RidgeFit["coordinates"],
  from = 0,
): Promise<Run> {
  for (const node of range(space.form.schedule.length).slice(from)) {
    const evaluation = space.evaluation(node, coordinates[node]);
    run = await evaluated(sessions, run, evaluation);
  }
  return run;
}
