/**
 * A schedule's weights in closed form: node by node, the combination of the
 * noise and of the solver's own outputs so far that comes closest to the
 * teacher's state, so that errors made before are corrected.
 */
import { float32 } from "@dip-go/core/tensor";
import {
  type Combination,
  type SolverSessions,
  weightsOf,
} from "@dip-go/supernet/solver";
import { Cholesky } from "./cholesky.ts";
import { dot, rowsOf } from "./gram.ts";
import { type SolverForm, SolverSpace } from "./solver_space.ts";
import type { Teacher, TeacherBatch } from "./teacher.ts";

/** Relative to each coordinate's square; the unknowns of the refinement are whitened more softly. */
const ridge = { solved: 1e-7, whitened: 1e-6 };

/** A fit, and what a refinement goes on from. */
export interface RidgeFit {
  readonly space: SolverSpace;
  /** Of each node. */
  readonly coordinates: readonly (readonly number[])[];
  /** Of each node's coordinates. */
  readonly whitening: readonly Cholesky[];
  /** Final latents of each batch, `[B, C, H, W]`. */
  readonly latents: readonly Float32Array[];
}

/** Fits a form on a teacher's batches. */
export async function ridgeFit(
  sessions: SolverSessions,
  teacher: Teacher,
  form: SolverForm,
): Promise<RidgeFit> {
  const space = new SolverSpace(form, teacher);
  const runs = teacher.batches.map((batch) => new FittedRun(batch));
  const equations = new NormalEquations(runs, space);
  const coordinates: number[][] = [];
  const whitening: Cholesky[] = [];
  const solve = (node: number) => {
    const { products, right } = equations.of(node);
    coordinates.push(new Cholesky(products, ridge.solved).solve(right));
    whitening.push(new Cholesky(products, ridge.whitened));
  };
  for (const node of form.schedule.keys()) {
    solve(node);
    const evaluation = space.evaluation(node, coordinates[node]);
    for (const run of runs) {
      const outputs = await sessions.evaluate({
        ...evaluation,
        sample: await run.combined(sessions, evaluation),
        conditioning: run.batch.conditioning,
      });
      run.elements.push(...rowsOf(outputs, space.counts[node]));
    }
  }
  const last = form.schedule.length;
  solve(last);
  const combination = space.combination(last, coordinates[last]);
  const latents: Float32Array[] = [];
  for (const run of runs) {
    latents.push((await run.combined(sessions, combination)).data);
  }
  return { space, coordinates, whitening, latents };
}

/** A batch on the solver's own trajectory. */
class FittedRun {
  /** The noise, then all outputs so far. */
  readonly elements: Float32Array[];

  constructor(readonly batch: TeacherBatch) {
    this.elements = [batch.latents.data];
  }

  combined(sessions: SolverSessions, combination: Combination) {
    const weights = weightsOf(combination);
    const elements = this.elements.slice(0, weights.length)
      .map((own) => float32([1, own.length], own));
    return sessions.combine({ elements, weights });
  }

  /** The teacher's state before a step, or the final latents. */
  target(step: number): Float32Array {
    const { states, target } = this.batch;
    return states[step]?.latents ?? target;
  }
}

/** Normal equations of each node; products are worked out once. */
class NormalEquations {
  readonly #products: number[][] = [];

  constructor(
    private readonly runs: readonly FittedRun[],
    private readonly space: SolverSpace,
  ) {}

  of(node: number): { products: number[][]; right: number[] } {
    const count = this.runs[0].elements.length;
    for (let a = this.#products.length; a < count; a++) {
      const row = Array.from(
        { length: a + 1 },
        (_, b) => this.#mean(({ elements }) => dot(elements[a], elements[b])),
      );
      row.slice(0, a).forEach((value, b) => this.#products[b].push(value));
      this.#products.push(row);
    }
    const step = this.space.step(node);
    const right = Array.from(
      { length: count },
      (_, a) => this.#mean((run) => dot(run.elements[a], run.target(step))),
    );
    return {
      products: this.space.products(node, this.#products),
      right: this.space.toCoordinates(node, right),
    };
  }

  #mean(of: (run: FittedRun) => number): number {
    const { runs } = this;
    const elements = runs.length * runs[0].elements[0].length;
    return runs.reduce((sum, run) => sum + of(run), 0) / elements;
  }
}
