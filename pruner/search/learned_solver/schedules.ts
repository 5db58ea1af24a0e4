/** Makers of schedules: the steps that a learned solver evaluates within a budget. */
import { taylor } from "@dip-go/supernet/gates";
import { range } from "../../numbers.ts";
import { cheapestKeys, cheapestPath, pathCosts } from "../forecast_path.ts";
import { jumpCosts, uniformSteps } from "../whole_steps.ts";
import { beam, type Schedule, type Scheduled } from "./beam.ts";
import type { Gram } from "./gram.ts";
import type { SolverForm } from "./solver_space.ts";
import { guidanceWeights, type Teacher } from "./teacher.ts";

export interface ScheduleRequest {
  readonly teacher: Teacher;
  /** The budget in half evaluations: one of both halves counts two, as does one of an unguided sampler. */
  readonly units: number;
  /** The cost of a call of the conditional half alone over that of a whole call. */
  readonly conditionalShare: number;
  readonly measures?: Measures;
}

/** The measurements that serve all budgets. */
export interface Measures {
  readonly gram: Gram;
  /** The sensitivity of each state, `[T]`. */
  readonly sensitivities: readonly number[];
}

export interface ScheduleMaker {
  /** Proposes forms that the budget pays for; the one that fits the teacher best is taken. */
  formsOf(request: ScheduleRequest): readonly SolverForm[];
  /** The largest cost of the forms' calls at a budget, in forms: those that begin alike share calls. */
  mostForms(units: number, steps: number): number;
  /** Whether `formsOf` reads the measurements. */
  readonly measures: boolean;
}

/** Makes the maker of one form of whole calls for each budget. */
const single = (
  stepsOf: (calls: number, teacher: Teacher) => readonly number[],
): ScheduleMaker => ({
  mostForms: () => 1,
  measures: false,
  formsOf(request) {
    const { teacher, units } = request;
    const schedule = stepsOf(Math.floor(units / 2), teacher)
      .map((step): Scheduled => ({ step, halves: "both" }));
    return [{ schedule, joined: joins(request) }];
  },
});

/** A budget of half evaluations over the full sampler's cost. */
const shareOf = (units: number, steps: number): number => units / (2 * steps);

/** Whether a budget pays for few calls: then forms differ most, and an evaluation may compute the conditional half alone. */
export const isFew = (units: number, steps: number): boolean =>
  shareOf(units, steps) <= 0.2;

/** The share above which halves are joined to one guided prediction if the teacher is finer: more weights learn too slowly. */
const joinedAbove = 0.3;

const joins = ({ teacher, units }: ScheduleRequest): boolean =>
  teacher.isFine && shareOf(units, teacher.sampler.steps.length) > joinedAbove;

/**
 * Caps of sensitivities: early states amplify errors so much that a schedule would
 * fit little else. The better cap depends on model and budget, so that both propose
 * schedules.
 */
const limits = [1, 3];

/** The beam's best schedules: of whole calls, and at low budgets of conditional halves too; at most 18. */
export const beamForms: ScheduleMaker = {
  mostForms: (units, steps) =>
    isFew(units, steps) ? Math.min(7, 1 / shareOf(units, steps)) : 4,
  measures: true,
  formsOf(request) {
    const { gram, sensitivities } = request.measures!;
    const guidance = guidanceWeights(request.teacher.guidanceScale);
    const guided = guidance.length === 2;
    const joined = guided && joins(request);
    const few = isFew(request.units, gram.steps);
    const kinds = guided && few
      ? [{ mayHalve: false, keep: 1 }, { mayHalve: true, keep: 8 }]
      : [{ mayHalve: false, keep: 4 }];
    const proposed = limits.map((limit) =>
      kinds.flatMap((kind) =>
        beam(gram, {
          sensitivities: sensitivities.map((s) => Math.min(limit, s)),
          units: request.units,
          conditionalShare: request.conditionalShare,
          joined: joined ? guidance : undefined,
          width: 15,
          ...kind,
        })
      )
    );
    const different = new Map(
      inTurns(proposed).map((schedule) => [JSON.stringify(schedule), schedule]),
    );
    const most = this.mostForms(request.units, gram.steps);
    return sharing([...different.values()], request, most)
      .map((schedule) => ({ schedule, joined }));
  },
};

/** The first of each list, then the second of each, and so on. */
const inTurns = (lists: readonly (readonly Schedule[])[]): Schedule[] =>
  range(Math.max(...lists.map(({ length }) => length)))
    .flatMap((rank) => lists.flatMap((own) => own.slice(rank, rank + 1)));

/** The first schedules whose calls, each beginning counted once, cost at most `most` budgets. */
function sharing(
  schedules: readonly Schedule[],
  { units, conditionalShare }: ScheduleRequest,
  most: number,
): readonly Schedule[] {
  const known = new Set<string>();
  let left = most * units / 2;
  const over = schedules.findIndex((schedule) => {
    for (const [k, { halves }] of schedule.entries()) {
      const beginning = JSON.stringify(schedule.slice(0, k + 1));
      if (known.has(beginning)) continue;
      known.add(beginning);
      left -= halves === "both" ? 1 : conditionalShare;
    }
    return left < 0;
  });
  return over === -1 ? schedules : schedules.slice(0, over);
}

/** Evenly spaced calls. */
export const uniformForm: ScheduleMaker = single((calls, { sampler }) =>
  uniformSteps(calls, sampler.steps.length)
);

/** The path of least summed squared errors of held predictions, as in GITS (arXiv 2405.11326) and DPCache. */
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

/** DPCache's keys as published: forecasts of order 2, three first steps forced; even steps if keys are fewer. */
export const dpForm: ScheduleMaker = single((count, { sampler, batches }) =>
  count < 3
    ? uniformSteps(count, sampler.steps.length)
    : cheapestKeys(pathCosts(batches, taylor(2)), { count, forced: 3 })
);
