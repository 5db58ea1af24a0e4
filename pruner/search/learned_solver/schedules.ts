/** Makers of schedules: which steps a learned solver evaluates within a budget. */
import { taylor } from "@dip-go/supernet/gates";
import { cheapestKeys, cheapestPath, pathCosts } from "../forecast_path.ts";
import { jumpCosts, uniformSteps } from "../whole_steps.ts";
import { beam, type Scheduled } from "./beam.ts";
import type { Gram } from "./gram.ts";
import type { SolverForm } from "./solver_space.ts";
import { guidanceWeights, type Teacher } from "./teacher.ts";

export interface ScheduleRequest {
  readonly teacher: Teacher;
  /** Halves of evaluations that the budget pays for; an evaluation of both halves, or of all that an unguided sampler has, is two. */
  readonly units: number;
  /** What a call of the conditional half alone takes of a whole one. */
  readonly conditionalShare: number;
  readonly measures?: Measures;
}

/** What is measured once for all budgets. */
export interface Measures {
  readonly gram: Gram;
  /** Of each state. */
  readonly sensitivities: readonly number[];
}

export interface ScheduleMaker {
  /** Forms that a budget pays for; the one that fits the teacher best is taken. */
  formsOf(request: ScheduleRequest): readonly SolverForm[];
  /** How many forms there are at most. */
  readonly most: number;
  /** Whether it reads what is measured. */
  readonly measures: boolean;
}

/** A rule that has one form of whole calls for each budget. */
const single = (
  stepsOf: (calls: number, teacher: Teacher) => readonly number[],
): ScheduleMaker => ({
  most: 1,
  measures: false,
  formsOf(request) {
    const { teacher, units } = request;
    const schedule = stepsOf(Math.floor(units / 2), teacher)
      .map((step): Scheduled => ({ step, halves: "both" }));
    return [{ schedule, joined: joins(request) }];
  },
});

/** Fractions of the full sampler's cost. */
const fractions = {
  /** Above it both halves of an evaluation count as one guided prediction where the teacher is another sampler: more weights would learn too slowly. */
  joined: 0.3,
  /** Up to it evaluations may be of the conditional half alone. */
  halved: 0.2,
};

/** The budget over the full sampler's cost. */
const shareOf = ({ teacher, units }: ScheduleRequest): number =>
  units / 2 / teacher.sampler.steps.length;

const joins = (request: ScheduleRequest): boolean =>
  request.teacher.isFine && shareOf(request) > fractions.joined;

/**
 * The most that a state's sensitivity counts: early states amplify errors so
 * much that a schedule would care for little else. Which is better depends on
 * model and budget, so both propose.
 */
const limits = [1, 3];

/** The best of the beam: whole calls, and at low budgets mixed with conditional halves. */
export const beamForms: ScheduleMaker = {
  most: 8,
  measures: true,
  formsOf(request) {
    const guidance = guidanceWeights(request.teacher.guidanceScale);
    const guided = guidance.length === 2;
    const joined = guided && joins(request);
    const halved = guided && shareOf(request) <= fractions.halved;
    const { gram, sensitivities } = request.measures!;
    const proposed = limits.flatMap((limit) =>
      (halved ? [false, true] : [false]).flatMap((mayHalve) =>
        beam(gram, {
          sensitivities: sensitivities.map((s) => Math.min(limit, s)),
          units: request.units,
          conditionalShare: request.conditionalShare,
          joined: joined ? guidance : undefined,
          mayHalve,
          width: 15,
          keep: halved ? 2 : 4,
        })
      )
    );
    const different = new Map(
      proposed.map((schedule) => [JSON.stringify(schedule), schedule]),
    );
    return [...different.values()].map((schedule) => ({ schedule, joined }));
  },
};

/** Evenly spaced calls. */
export const uniformForm: ScheduleMaker = single((calls, { sampler }) =>
  uniformSteps(calls, sampler.steps.length)
);

/** The path of the least summed squared errors of held predictions (as GITS, arXiv 2405.11326, and DPCache plan theirs). */
export const pathForm: ScheduleMaker = single((calls, { sampler, batches }) =>
  cheapestPath(
    jumpCosts(batches.map(({ latents, predictions, states, target }) => ({
      sampler,
      latents,
      predictions,
      trajectory: [...states.map(({ latents }) => latents), target],
    }))),
    calls,
  )
);

/** DPCache's, as published: forecasts of order 2, the first three steps among the keys where there are more. */
export const dpForm: ScheduleMaker = single((count, { sampler, batches }) =>
  count < 3
    ? uniformSteps(count, sampler.steps.length)
    : cheapestKeys(pathCosts(batches, taylor(2)), { count, forced: 3 })
);
