/** A fitted solver refined end to end: Adam on whitened coordinates and on the timesteps, through the solver, by the final pictures. */
import { adamW, cosineLearningRate } from "@dip-go/core/autodiff";
import { addInto } from "@dip-go/core/tensor";
import {
  runSolver,
  type Solver,
  type SolverGradient,
  solverGradient,
  type SolverSessions,
} from "@dip-go/supernet/solver";
import type { PictureError } from "./picture_error.ts";
import type { RidgeFit } from "./ridge.ts";
import type { Teacher, TeacherBatch } from "./teacher.ts";

/** How a fit is refined. */
export interface Refinement {
  /** Gradient steps. */
  readonly iterations: number;
  /** Batches of a gradient step. */
  readonly accumulate: number;
  /** Batches by which the best iterate is chosen, the first of the teacher's; gradients are of the others, if there are any. */
  readonly judged: number;
}

/** Rates that were measured on the embedded models. */
const rates = {
  /** Of whitened coordinates, times the fit's root mean squared error. */
  coordinates: 0.1,
  /** Of timesteps, in units of the network's; less where the fit is closer than `from`, a root mean squared error. */
  timesteps: { peak: 2, from: 0.01 },
  warmUp: 5,
  floor: 0.05,
};

/** Iterations between two looks at the loss. */
const lookEvery = 8;

/** How often the judged batches are run. */
export const looks = (iterations: number): number =>
  1 + Math.ceil(iterations / lookEvery);

/** The refined solver, or the fit where nothing was better, and its loss on the judged batches. */
export async function refined(
  { sessions, error, teacher, fit }: {
    readonly sessions: SolverSessions;
    readonly error: PictureError;
    readonly teacher: Teacher;
    readonly fit: RidgeFit;
  },
  { iterations, accumulate, judged }: Refinement,
  note: (done: number, loss: number) => void = () => {},
): Promise<{ solver: Solver; loss: number }> {
  const unknowns = new Unknowns(fit);
  const shown = teacher.batches.slice(0, judged);
  const others = teacher.batches.slice(judged);
  const seen = others.length > 0 ? others : shown;
  const lossOf = async (solver: Solver) => {
    let sum = 0;
    for (const batch of shown) {
      const latents = await runSolver(sessions, solver, batch);
      sum += await error.of(latents.data, batch.target) / shown.length;
    }
    return sum;
  };
  const first = unknowns.solver();
  let best = { solver: first, loss: await lossOf(first) };
  const root = Math.exp(best.loss / 2);
  const peaks = {
    coordinates: rates.coordinates * root,
    timesteps: rates.timesteps.peak * Math.min(1, root / rates.timesteps.from),
  };
  for (let i = 0; i < iterations; i++) {
    const solver = unknowns.solver();
    for (let k = 0; k < accumulate; k++) {
      const batch = seen[(i * accumulate + k) % seen.length];
      unknowns.add(await gradientOn(sessions, error, { solver, batch }));
    }
    const { warmUp, floor } = rates;
    const rate = cosineLearningRate(i, {
      peak: 1,
      total: iterations,
      warmUp,
      floor,
    });
    unknowns.update({
      coordinates: rate * peaks.coordinates,
      timesteps: rate * peaks.timesteps,
    });
    const isLast = i === iterations - 1;
    if (!isLast && (i + 1) % lookEvery !== 0) continue;
    const next = unknowns.solver();
    const loss = await lossOf(next);
    if (loss < best.loss) best = { solver: next, loss };
    note(i + 1, best.loss);
  }
  return best;
}

const gradientOn = (
  sessions: SolverSessions,
  error: PictureError,
  { solver, batch }: { readonly solver: Solver; readonly batch: TeacherBatch },
) =>
  solverGradient(
    sessions,
    solver,
    batch,
    ({ data }) => error.gradient(data, batch.target),
  );

/** Whitened coordinates, all 0 at the fit, and shifts of the timesteps. */
class Unknowns {
  readonly #z: Float32Array;
  readonly #shifts: Float32Array;
  /** Summed since the last step. */
  readonly #gradient;
  readonly #optimizers;

  constructor(private readonly fit: RidgeFit) {
    const { coordinates, space: { form: { schedule } } } = fit;
    const sizes = [coordinates.flat().length, schedule.length];
    const [z, shifts] = sizes.map((size) => new Float32Array(size));
    [this.#z, this.#shifts] = [z, shifts];
    this.#gradient = { z: z.slice(), shifts: shifts.slice() };
    const adam = ({ length }: Float32Array) =>
      adamW(length, { beta1: 0.9, beta2: 0.95 });
    this.#optimizers = { z: adam(z), shifts: adam(shifts) };
  }

  solver(): Solver {
    const { coordinates, whitening, space } = this.fit;
    let at = 0;
    const moved = coordinates.map((own, node) => {
      const z = [...this.#z.subarray(at, at += own.length)];
      const moves = whitening[node].unwhitened(z);
      return own.map((value, c) => value + moves[c]);
    });
    return space.solver(moved, [...this.#shifts]);
  }

  /** Adds a batch's gradient to the next step's. */
  add({ weights, timesteps }: SolverGradient): void {
    const { space, whitening } = this.fit;
    const z = weights.flatMap((own, node) => {
      const scaled = own.map((value) => space.scale(node) * value);
      const ofCoordinates = space.toCoordinates(node, scaled);
      return whitening[node].whitenedGradient(ofCoordinates);
    });
    addInto(this.#gradient.z, Float32Array.from(z));
    addInto(
      this.#gradient.shifts,
      Float32Array.from(timesteps.flatMap(([d]) => d)),
    );
  }

  /** Makes a step; Adam does not see the gradient's scale. */
  update(
    rate: { readonly coordinates: number; readonly timesteps: number },
  ): void {
    const { z, shifts } = this.#gradient;
    this.#optimizers.z.update(this.#z, z, rate.coordinates);
    this.#optimizers.shifts.update(this.#shifts, shifts, rate.timesteps);
    z.fill(0);
    shifts.fill(0);
  }
}
