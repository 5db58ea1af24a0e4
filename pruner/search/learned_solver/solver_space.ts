/** The unknowns of a solver on one schedule: coordinates, from which its weights of outputs follow. */
import {
  type Combination,
  combinationOf,
  type Evaluation,
  outputsOf,
  type Solver,
} from "@dip-go/supernet/solver";
import type { Sampler } from "@dip-go/core/samplers";
import { sum } from "../../numbers.ts";
import type { Schedule } from "./beam.ts";
import type { Matrix } from "./cholesky.ts";
import { type Form, outputForms } from "./gram.ts";
import { guidanceWeights, type Teacher } from "./teacher.ts";

/** A schedule, and whether both halves of an evaluation count as one guided prediction. */
export interface SolverForm {
  readonly schedule: Schedule;
  readonly joined: boolean;
}

/** Coordinates and weights of one form under one sampler. */
export class SolverSpace {
  /** The number of outputs of each evaluation. */
  readonly counts: readonly number[];
  /** The weights of elements of each coordinate; the noise's comes first. */
  readonly #forms: readonly Form[];
  /** The number of coordinates of each evaluation, and of the final latents. */
  readonly #sizes: readonly number[];
  readonly #sampler: Sampler;

  constructor(
    readonly form: SolverForm,
    { sampler, guidanceScale }: Pick<Teacher, "sampler" | "guidanceScale">,
  ) {
    const guidance = guidanceWeights(guidanceScale);
    this.#sampler = sampler;
    const { schedule, joined } = form;
    this.counts = schedule.map(({ halves }) =>
      outputsOf(halves, guidance.length === 2)
    );
    const forms: Form[] = [[[0, 1]]];
    const sizes = [1];
    let element = 1;
    for (const count of this.counts) {
      forms.push(
        ...outputForms(element, count, joined ? guidance : undefined),
      );
      element += count;
      sizes.push(forms.length);
    }
    this.#forms = forms;
    this.#sizes = sizes;
  }

  /** The step whose state a node should reach; T is the final latents. */
  step(node: number): number {
    return this.form.schedule[node]?.step ?? this.#sampler.steps.length;
  }

  /** The products of a node's coordinates, from products of elements. */
  products(node: number, of: Matrix): number[][] {
    const forms = this.#forms.slice(0, this.#sizes[node]);
    return forms.map((a) =>
      forms.map((b) =>
        sum(a.flatMap(([i, x]) => b.map(([j, y]) => x * y * of[i][j])))
      )
    );
  }

  /** A row over a node's coordinates from a row over elements. */
  toCoordinates(node: number, row: ArrayLike<number>): number[] {
    return this.#forms.slice(0, this.#sizes[node]).map((form) =>
      sum(form.map(([i, x]) => x * row[i]))
    );
  }

  /** The factor of a node's weights: the network's input is the state, scaled. */
  scale(node: number): number {
    return this.#sampler.steps[this.step(node)]?.inputScale ?? 1;
  }

  /** The solver with given coordinates. */
  solver(coordinates: readonly (readonly number[])[]): Solver {
    const { length } = this.form.schedule;
    return {
      evaluations: coordinates.slice(0, length)
        .map((own, k) => this.evaluation(k, own)),
      latents: this.combination(length, coordinates[length]),
    };
  }

  evaluation(k: number, coordinates: readonly number[]): Evaluation {
    const { step, halves } = this.form.schedule[k];
    const { timestep } = this.#sampler.steps[step];
    return { timestep, halves, ...this.combination(k, coordinates) };
  }

  combination(node: number, coordinates: readonly number[]): Combination {
    const weights = this.elementWeights(node, coordinates)
      .map((weight) => this.scale(node) * weight);
    return combinationOf(weights, this.counts.slice(0, node));
  }

  /** The number of elements before a node: the noise, and the outputs so far. */
  elementsBefore(node: number): number {
    return 1 + sum(this.counts.slice(0, node));
  }

  /** The weights of the elements before a node, for a state that is not scaled. */
  elementWeights(node: number, coordinates: readonly number[]): number[] {
    const weights = Array<number>(this.elementsBefore(node)).fill(0);
    coordinates.forEach((value, c) => {
      for (const [at, weight] of this.#forms[c]) weights[at] += value * weight;
    });
    return weights;
  }
}
