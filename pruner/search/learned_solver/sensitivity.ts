/** Sensitivities: how far an error in one state of the sampler moves the final latents. */
import type { SamplerState } from "@dip-go/core/samplers";
import type { SolverSessions } from "@dip-go/supernet/solver";
import { dot, rowsOf } from "../../numbers.ts";
import { fullCall, type Teacher, type TeacherBatch } from "./teacher.ts";

/** The size of the perturbation as a share of a stale prediction's error. */
const share = 0.3;

/**
 * The sensitivity of each state, `[T]`: |change of the final latents|² over
 * |perturbation|², the geometric mean over pictures, since few pictures rule the
 * arithmetic mean. The perturbation is a share of the error by a prediction held
 * from the step before; state 0 has none, and its sensitivity is 0.
 */
export async function sensitivities(
  sessions: SolverSessions,
  { batches, ...setup }: Teacher,
  pictures: number,
): Promise<number[]> {
  const [images] = sessions.shape;
  const used = batches.slice(0, Math.ceil(pictures / images));
  const steps = setup.sampler.steps.length;
  const logs = Array<number>(steps).fill(0);
  for (const batch of used) {
    for (let i = 1; i < steps; i++) {
      const changes = await changesAt(sessions, { ...setup, batch }, i);
      for (const change of changes) {
        logs[i] += Math.log(change) / (used.length * images);
      }
    }
  }
  return logs.map((log, i) => i === 0 ? 0 : Math.exp(log));
}

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
  pictures * (steps - 1) / 2;
