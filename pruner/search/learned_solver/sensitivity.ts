/** Sensitivities: how far an error in one state of the sampler moves the final latents. */
import type { SamplerState } from "@dip-go/core/samplers";
import type { SolverSessions } from "@dip-go/supernet/solver";
import { dot, range, rowsOf, sum } from "../../numbers.ts";
import { fullCall, type Teacher, type TeacherBatch } from "./teacher.ts";

/** The size of the perturbation as a share of a stale prediction's error. */
const share = 0.3;

/** The largest number of states that are measured. */
const most = 24;

/** The states that are measured: 1 to T − 1, or some of these with both ends. */
export function measuredStates(steps: number): number[] {
  const last = Math.min(steps - 1, most) - 1;
  return range(last + 1).map((k) =>
    1 + Math.round(k * (steps - 2) / Math.max(last, 1))
  );
}

/**
 * The sensitivity of each state, `[T]`: |change of the final latents|² over
 * |perturbation|², the geometric mean over pictures, since few pictures rule the
 * arithmetic mean. The perturbation is a share of the error by a prediction held
 * from the step before; state 0 has none, and its sensitivity is 0. Of many states
 * some are measured, and logarithms between them are on straight lines.
 */
export async function sensitivities(
  sessions: SolverSessions,
  { batches, ...setup }: Teacher,
  pictures: number,
  note: (done: number, total: number) => void = () => {},
): Promise<number[]> {
  const used = batches.slice(0, Math.ceil(pictures / sessions.shape[0]));
  const states = measuredStates(setup.sampler.steps.length);
  const logs: number[] = [];
  for (const state of states) {
    const changes: number[] = [];
    for (const batch of used) {
      changes.push(...await changesAt(sessions, { ...setup, batch }, state));
    }
    logs.push(sum(changes.map(Math.log)) / changes.length);
    note(logs.length, states.length);
  }
  return [0, ...between(states, logs).map(Math.exp)];
}

/** Values on straight lines between those at given places, from the first place to the last. */
const between = (places: readonly number[], values: readonly number[]) =>
  places.flatMap((from, k) => {
    const to = places[k + 1] ?? from + 1;
    const slope = ((values[k + 1] ?? values[k]) - values[k]) / (to - from);
    return range(to - from).map((i) => values[k] + i * slope);
  });

async function changesAt(
  sessions: SolverSessions,
  { batch, ...setup }: Omit<Teacher, "batches"> & { batch: TeacherBatch },
  i: number,
): Promise<number[]> {
  const { states, predictions, target, conditioning } = batch;
  const [images] = sessions.shape;
  const newer = predictions[i - 1];
  const older = predictions[i === 1 ? 1 : i - 2];
  const factor = share * setup.sampler.steps[i - 1].predictions[0];
  const moved = newer.map((value, j) => factor * (older[j] - value));
  const latents: Float32Array = states[i].latents.map((value, j) =>
    value + moved[j]
  );
  let state: SamplerState = { ...states[i], latents };
  for (let step = i; step < states.length; step++) {
    const call = { step, state, conditioning };
    state = (await fullCall(sessions, setup, call)).next;
  }
  const change = state.latents.map((value, j) => value - target[j]);
  const from = rowsOf(moved, images);
  return rowsOf(change, images).map((own, b) =>
    Math.max(dot(own, own), 1e-20) / Math.max(dot(from[b], from[b]), 1e-20)
  );
}

/** The cost in pictures of the full sampler: state i runs the last T − i of T steps. */
export const sensitivityPasses = (steps: number, pictures: number): number =>
  pictures * sum(measuredStates(steps).map((state) => 1 - state / steps));
