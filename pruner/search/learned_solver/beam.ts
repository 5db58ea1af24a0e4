/**
 * The beam search for the steps that a solver evaluates: over schedules from the
 * first step on, on one Gram matrix, without calls of the network. A schedule costs
 * the sum over its states of sensitivity times the squared error of the best linear
 * combination of the noise and earlier outputs, plus the final latents' error.
 * Errors are taken along the teacher's trajectory.
 */
import type { Halves } from "@dip-go/supernet/gates";
import { range, sum } from "../../numbers.ts";
import { uniformSteps } from "../whole_steps.ts";
import {
  type Form,
  type Gram,
  outputAt,
  outputForms,
  stateAt,
} from "./gram.ts";

export interface Scheduled {
  readonly step: number;
  readonly halves: Halves;
}

/** Evaluations in sampling order; the first is of step 0. */
export type Schedule = readonly Scheduled[];

/** The budget, the allowed evaluations and the width of the beam. */
export interface BeamOptions {
  readonly sensitivities: readonly number[];
  /** The budget in half evaluations: one of both halves counts two, as does one of an unguided sampler. */
  readonly units: number;
  /** The cost of an evaluation of the conditional half alone over that of both halves. */
  readonly conditionalShare: number;
  /** Weights that join both halves' outputs to one guided prediction; by default each output enters by itself. */
  readonly joined?: readonly number[];
  /** Whether evaluations may be of the conditional half alone. */
  readonly mayHalve: boolean;
  /** The number of schedules that live on, for each last step and cost. */
  readonly width: number;
  /** The number of schedules to return, the best first. */
  readonly keep: number;
}

interface Candidate {
  readonly cost: number;
  readonly schedule: Schedule;
  /**
   * Products of all elements with an orthonormal basis of the noise and the
   * schedule's outputs, `[size]` a basis vector: their squares are what the
   * schedule explains.
   */
  readonly explained: readonly Float64Array[];
}

/** A candidate extended by one evaluation, before its products are computed. */
interface Extension {
  readonly cost: number;
  readonly from: Candidate;
  readonly next: Scheduled;
}

/** The ridge, relative to an element's own square. */
const ridge = 1e-9;

/** The most candidate steps, evenly spread, unless the budget pays for more than half of them. */
const mostSteps = 64;

export function beam(gram: Gram, options: BeamOptions): Schedule[] {
  const { units, keep, mayHalve, conditionalShare } = options;
  const search = new Beam(gram, options);
  const kinds: readonly Halves[] = mayHalve
    ? ["both", "conditional"]
    : ["both"];
  // Prices are in hundredths of an evaluation.
  const prices = { both: 100, conditional: Math.ceil(100 * conditionalShare) };
  const all = 50 * units;
  const least = mayHalve ? prices.conditional : prices.both;
  const waiting = range(all + 1).map((): Extension[] => []);
  const offer = (extension: Extension, spent: number) => {
    if (spent <= all) waiting[spent].push(extension);
  };
  for (const halves of kinds) {
    const next: Scheduled = { step: 0, halves };
    offer({ cost: 0, from: search.start, next }, prices[halves]);
  }
  const found: { cost: number; schedule: Schedule }[] = [];
  for (let spent = 1; spent <= all; spent++) {
    const byStep = Map.groupBy(waiting[spent], ({ next }) => next.step);
    for (const extensions of byStep.values()) {
      const best = extensions.sort((a, b) => a.cost - b.cost)
        .slice(0, search.width);
      for (const candidate of best.map((each) => search.extended(each))) {
        if (all - spent < least) {
          const cost = candidate.cost + search.finalError(candidate);
          found.push({ ...candidate, cost });
          continue;
        }
        for (const halves of kinds) {
          for (const extension of search.extensions(candidate, halves)) {
            offer(extension, spent + prices[halves]);
          }
        }
      }
    }
    waiting[spent] = [];
  }
  return found.sort((a, b) => a.cost - b.cost).slice(0, keep)
    .map(({ schedule }) => schedule);
}

class Beam {
  /** The number of schedules that live on: fewer if many steps are candidates. */
  readonly width: number;
  readonly #steps: readonly number[];
  /** The candidate that evaluates nothing and knows the noise. */
  readonly start: Candidate;

  constructor(
    private readonly gram: Gram,
    private readonly options: BeamOptions,
  ) {
    const count = Math.min(gram.steps, Math.max(mostSteps, options.units));
    this.width = Math.ceil(options.width * Math.min(1, mostSteps / count) ** 2);
    this.#steps = uniformSteps(count, gram.steps);
    this.start = { cost: 0, schedule: [], explained: this.#with([], [[0, 1]]) };
  }

  /** The extensions by each later step. */
  extensions(from: Candidate, halves: Halves): Extension[] {
    const last = from.schedule.at(-1)!.step;
    return this.#steps.filter((step) => step > last).map((step) => ({
      from,
      next: { step, halves },
      cost: from.cost +
        this.options.sensitivities[step] * this.#error(from, step),
    }));
  }

  extended({ cost, from, next }: Extension): Candidate {
    const explained = this.#formsOf(next).reduce(
      (known, form) => this.#with(known, form),
      from.explained,
    );
    return { cost, schedule: [...from.schedule, next], explained };
  }

  finalError(candidate: Candidate): number {
    return this.#error(candidate, this.gram.steps);
  }

  #error({ explained }: Candidate, step: number): number {
    const at = stateAt(this.gram, step);
    return explained.reduce(
      (rest, own) => rest - own[at] ** 2,
      this.gram.products[at][at],
    );
  }

  #formsOf({ step, halves }: Scheduled): Form[] {
    const { gram, options: { joined } } = this;
    const count = halves === "both" ? gram.halves : 1;
    return outputForms(outputAt(gram, step, 0), count, joined);
  }

  /** The basis with one more vector: the form's part that the others do not explain. */
  #with(known: Candidate["explained"], form: Form): Candidate["explained"] {
    const { products } = this.gram;
    const rest = new Float64Array(products.length);
    let floor = 0;
    const add = (factor: number, row: ArrayLike<number>) => {
      for (let i = 0; i < rest.length; i++) rest[i] += factor * row[i];
    };
    for (const [at, weight] of form) {
      add(weight, products[at]);
      floor += ridge * weight * weight * products[at][at];
    }
    const on = (row: ArrayLike<number>) =>
      sum(form.map(([at, weight]) => weight * row[at]));
    for (const own of known) add(-on(own), own);
    const scale = 1 / Math.sqrt(Math.max(on(rest), 0) + floor);
    return [...known, rest.map((value) => scale * value)];
  }
}
