/** Refines a fitted solver end to end by Adam on whitened coordinates and timesteps, on the final latents. */
import { adamW, cosineLearningRate } from "@dip-go/core/autodiff";
import { addInto } from "@dip-go/core/tensor";
import {
  runSolver,
  type Solver,
  type SolverGradient,
  solverGradient,
  type SolverSessions,
} from "@dip-go/supernet/solver";
import { type Compared, logError, logErrorGradient } from "../log_error.ts";
import { errorFloor, type RidgeFit } from "./ridge.ts";
import type { Teacher, TeacherBatch } from "./teacher.ts";

/** Learning rates, tuned on the embedded models. */
const rates = {
  /** The rate of whitened coordinates, as a factor of the fit's root mean squared error. */
  coordinates: 0.1,
  /** The rate of timesteps in the network's unit; lower if the fit's root mean squared error is below `from`. */
  timesteps: { peak: 2, from: 0.01 },
  warmUp: 5,
  floor: 0.05,
};

/** The number of iterations between two looks at the loss. */
const lookEvery = 8;

export const looks = (iterations: number): number =>
  1 + Math.ceil(iterations / lookEvery);

/**
 * Refines a fit; returns the best solver on the judged batches, which is the fit if
 * no iterate is better, and its loss.
 *
 * @param options.accumulate The number of batches of a gradient step.
 * @param options.judged The number of first batches, which choose the best iterate; gradients see the others, if any.
 */
export async function refined(
  { sessions, teacher, fit }: {
    readonly sessions: SolverSessions;
    readonly teacher: Teacher;
    readonly fit: RidgeFit;
  },
  { iterations, accumulate, judged }: Readonly<
    Record<"iterations" | "accumulate" | "judged", number>
  >,
  note: (done: number, loss: number) => void = () => {},
): Promise<{ solver: Solver; loss: number }> {
  const moved = new MovedFit(fit);
  const shown = teacher.batches.slice(0, judged);
  const others = teacher.batches.slice(judged);
  const seen = others.length > 0 ? others : shown;
  const lossOf = async (solver: Solver) => {
    let sum = 0;
    for (const batch of shown) {
      const { data } = await runSolver(sessions, solver, batch);
      sum += logError(compared(data, batch));
    }
    return sum / shown.length;
  };
  const first = moved.solver();
  let best = { solver: first, loss: await lossOf(first) };
  const root = Math.exp(best.loss / 2);
  const unit = fit.space.timestepUnit;
  const { coordinates, timesteps, warmUp, floor } = rates;
  const schedule = { peak: 1, total: iterations, warmUp, floor };
  for (let i = 0; i < iterations; i++) {
    const solver = moved.solver();
    for (let k = 0; k < accumulate; k++) {
      const batch = seen[(i * accumulate + k) % seen.length];
      const gradient = await solverGradient(
        sessions,
        solver,
        batch,
        ({ data }) => logErrorGradient(compared(data, batch)),
      );
      moved.add(gradient);
    }
    const rate = cosineLearningRate(i, schedule);
    moved.update({
      z: rate * (coordinates * root),
      shifts: rate * unit *
        (timesteps.peak * Math.min(1, root / timesteps.from)),
    });
    const isLast = i === iterations - 1;
    if (!isLast && (i + 1) % lookEvery !== 0) continue;
    const next = moved.solver();
    const loss = await lossOf(next);
    if (loss < best.loss) best = { solver: next, loss };
    note(i + 1, best.loss);
  }
  return best;
}

/** The latents to compare with the teacher's. */
const compared = (
  found: Float32Array,
  { target, latents: { shape: [pictures] } }: TeacherBatch,
): Compared => ({ found, target, pictures, floor: errorFloor });

/** Numbers that Adam moves, 0 at first, and their gradient, summed since the last update. */
const unknowns = (count: number) => ({
  values: new Float32Array(count),
  gradient: new Float32Array(count),
  optimizer: adamW(count, { beta1: 0.9, beta2: 0.95 }),
});

/** A fit that is moved by whitened coordinates and by shifts of its timesteps. */
class MovedFit {
  readonly #z;
  readonly #shifts;

  constructor(private readonly fit: RidgeFit) {
    this.#z = unknowns(fit.coordinates.flat().length);
    this.#shifts = unknowns(fit.space.form.schedule.length);
  }

  solver(): Solver {
    const { coordinates, whitening, space } = this.fit;
    let at = 0;
    const moved = coordinates.map((own, node) => {
      const z = [...this.#z.values.subarray(at, at += own.length)];
      const moves = whitening[node].unwhitened(z);
      return own.map((value, c) => value + moves[c]);
    });
    return space.solver(moved, [...this.#shifts.values]);
  }

  /** Adds a batch's gradient to the next update's. */
  add({ weights, timesteps }: SolverGradient): void {
    const { space, whitening } = this.fit;
    const z = weights.flatMap((own, node) => {
      const scaled = own.map((value) => space.scale(node) * value);
      const ofCoordinates = space.toCoordinates(node, scaled);
      return whitening[node].whitenedGradient(ofCoordinates);
    });
    const shifts = timesteps.flatMap(([d]) => d);
    addInto(this.#z.gradient, Float32Array.from(z));
    addInto(this.#shifts.gradient, Float32Array.from(shifts));
  }

  /** Moves the unknowns; sums serve as means, since Adam does not see the gradient's scale. */
  update(rate: { readonly z: number; readonly shifts: number }): void {
    const moved = [[this.#z, rate.z], [this.#shifts, rate.shifts]] as const;
    for (const [{ values, gradient, optimizer }, own] of moved) {
      optimizer.update(values, gradient, own);
      gradient.fill(0);
    }
  }
}
