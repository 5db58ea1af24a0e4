/**
 * The project's own search: whole evaluations in a learned solver. One set of
 * the full sampler's trajectories serves every budget. A beam on their Gram
 * matrix proposes schedules, least squares fits each schedule's weights on its own
 * trajectory, and the best may be refined end to end.
 *
 * Learned solvers are known: S4S (arXiv 2502.17423) and LD3 (arXiv 2405.15506)
 * learn coefficients and times of few-step solvers, L2P and Spectrum fit the
 * prediction of skipped steps. The schedule by Gram matrix and the conditional
 * halves beside whole evaluations are ours.
 */
import { denseCost, type SuperNet } from "@dip-go/supernet/gates";
import type { Solver, SolverSessions } from "@dip-go/supernet/solver";
import {
  type FittedPlan,
  type Method,
  type MethodContext,
  planned,
  type PricedSearch,
} from "../../method.ts";
import { sum } from "../../numbers.ts";
import { noisy } from "../../refusals.ts";
import type { SearchSettings } from "../../search_settings.ts";
import { wholeStepGates } from "../whole_steps.ts";
import { differenceCalls, refined } from "./refine.ts";
import { type RidgeFit, ridgeFits } from "./ridge.ts";
import {
  beamForms,
  dpForm,
  isFew,
  pathForm,
  type ScheduleMaker,
  type ScheduleRequest,
  uniformForm,
} from "./schedules.ts";
import { gramOf } from "./gram.ts";
import { sensitivities, sensitivityPasses } from "./sensitivity.ts";
import { sharedSteps, type Teacher, trajectoriesOf } from "./teacher.ts";
import type { SolverForm } from "./solver_space.ts";

/** The kept result of the search for one budget. */
interface Found {
  readonly steps: readonly number[];
  readonly solver: Solver;
}

/** The number of half evaluations that a budget pays for. */
const unitsOf = (net: SuperNet, maxCost: number): number =>
  Math.floor(2 * maxCost / (denseCost(net) / net.steps));

/** How trajectories and fits are made, in the keys of what follows from them, so that older ones are not found. */
const made =
  "inverse errors, finer states, forms by fits, refined by differences";

/** As {@linkcode made}, and how schedules are proposed. */
const proposed = `${made}, proposed in turns`;

const partsOf = (name: string, solver: SearchSettings["solver"]) => {
  const { pairs, perturbed, teacher } = solver;
  return {
    gram: { name: "solver-gram", reads: { pairs, teacher, made } },
    sensitivities: {
      name: "solver-sensitivities",
      reads: { pairs, perturbed, made },
    },
    plan: (units: number) => ({
      name: `${name}-${units}`,
      reads: { ...solver, proposed },
    }),
  };
};

/** Makes the method that fits learned solvers to a maker's schedules. */
const solverMethod = (name: string, maker: ScheduleMaker): Method => ({
  name,
  settings: ["solver"],
  searches: "by samples",
  refusal: noisy,
  reads: ({ search: { solver } }) => ({ solver, proposed }),
  parts({ net, search: { solver }, maxCost }) {
    const { gram, sensitivities, plan } = partsOf(name, solver);
    const measured = maker.measures ? [gram, sensitivities] : [];
    return [...measured, plan(unitsOf(net, maxCost))];
  },
  searchCost: (search) => searchCost(search, maker),
  pictures: ({ search }) => trajectoriesOf(search),
  async fit(context, maxCost): Promise<FittedPlan> {
    const { net, once, search: { solver: settings } } = context;
    const { teacher } = settings;
    if (teacher) sharedSteps(context.sampler, context.withSteps(teacher.steps));
    const parts = partsOf(name, settings);
    const units = unitsOf(net, maxCost);
    const measures = maker.measures && {
      gram: await once(
        parts.gram,
        async () => gramOf(await context.teacher(settings)),
      ),
      sensitivities: await once(parts.sensitivities, async () => {
        // the sampler's own trajectories, from which perturbed ones go on
        const { pairs, perturbed, teacher } = settings;
        const own = { pairs: teacher ? perturbed : pairs };
        return await sensitivities(
          await context.solver(),
          await context.teacher(own),
          perturbed,
          context.progress,
        );
      }),
    };
    const { steps, solver } = await once(
      parts.plan(units),
      () => found(context, maker, { units, measures: measures || undefined }),
    );
    return planned({ gates: wholeStepGates(net, steps), solver });
  },
});

/** The project's default method. */
export const learnedSolver = solverMethod("learned-solver", beamForms);
/** Rivals with the same payload on other schedules. */
export const uniformSolver = solverMethod(
  "uniform+learned-solver",
  uniformForm,
);
export const dpSolver = solverMethod("dpcache+learned-solver", dpForm);
export const pathSolver = solverMethod(
  "cheapest-path+learned-solver",
  pathForm,
);

/** Searches the solver of one budget. */
async function found(
  context: MethodContext,
  maker: ScheduleMaker,
  request: Pick<ScheduleRequest, "units" | "measures">,
): Promise<Found> {
  const { net, search: { solver: settings }, progress } = context;
  const teacher = await context.teacher(settings);
  const sessions = await context.solver();
  const { conditionalShare } = net;
  const forms = maker.formsOf({ ...request, teacher, conditionalShare });
  const compared = comparedBatches(context.search, request.units, net.steps);
  const choice = { forms, compared, progress };
  const fit = await bestFit(sessions, teacher, choice);
  const shown = Math.ceil(settings.pictures / sessions.shape[0]);
  const { space: { form }, solver } = refiningCalls(context, request.units) > 0
    ? await refined(sessions, fit, shown, progress)
    : fit;
  return { steps: form.schedule.map(({ step }) => step), solver };
}

/** The most calls of a picture's differences for which a fit is refined. */
const mostCalls = { none: 0, "if-cheap": 120, always: Infinity };

/** The most calls of a picture's differences at a budget, of conditional halves where they are allowed; 0 if its fit is not refined. */
function refiningCalls(
  { net: { steps, conditionalShare }, search: { solver: { refine } } }: Pick<
    MethodContext,
    "net" | "search"
  >,
  units: number,
): number {
  const calls = differenceCalls(
    isFew(units, steps)
      ? Array(units).fill({ outputs: 1, cost: conditionalShare })
      : Array(Math.floor(units / 2)).fill({ outputs: 2, cost: 1 }),
  );
  return calls <= mostCalls[refine] ? calls : 0;
}

/** The number of batches that forms are compared on: all if calls are few, else 16 pictures; of 8, chance chose. */
const comparedBatches = (
  { batch, solver: { pairs } }: SearchSettings,
  units: number,
  steps: number,
) => Math.ceil((isFew(units, steps) ? pairs : Math.min(16, pairs)) / batch);

/** The fit of the form that comes closest to the teacher's final latents on the first `compared` batches. */
async function bestFit(
  sessions: SolverSessions,
  teacher: Teacher,
  { forms, compared, progress }: Pick<MethodContext, "progress"> & {
    readonly forms: readonly SolverForm[];
    readonly compared: number;
  },
): Promise<RidgeFit> {
  const { batches } = teacher;
  const shown = forms.length > 1 ? batches.slice(0, compared) : batches;
  const comparing = { ...teacher, batches: shown };
  const fits: RidgeFit[] = [];
  for await (const fit of ridgeFits(sessions, comparing, forms)) {
    fits.push(fit);
    fits.sort((a, b) => a.loss - b.loss);
    progress(fits.length, forms.length, { loss: fits[0].loss });
  }
  const [best] = fits;
  if (shown.length === batches.length) return best;
  const [fit] = await Array.fromAsync(
    ridgeFits(sessions, teacher, [best.space.form]),
  );
  return fit;
}

/** The cost of teacher and sensitivities, and for each budget of the forms, the fit and its refinement. */
function searchCost(
  { net, search, budgets }: PricedSearch,
  { mostForms, measures }: ScheduleMaker,
): number {
  const { batch, solver } = search;
  const { pairs, perturbed, teacher, pictures } = solver;
  const shared = pairs * (teacher ? teacher.steps / net.steps : 1) +
    (teacher && measures ? perturbed : 0) +
    (measures ? sensitivityPasses(net.steps, perturbed) : 0);
  const runs = budgets.map((budget) => {
    const units = unitsOf(net, budget);
    const compared = batch * comparedBatches(search, units, net.steps);
    const most = mostForms(units, net.steps);
    const forms = most > 1 ? most * compared : 0;
    const fit = most > 1 && compared >= pairs ? 0 : pairs;
    const calls = refiningCalls({ net, search }, units);
    const last = calls > 0 ? pairs : 0;
    return budget / denseCost(net) * (forms + fit + last) +
      pictures * calls / net.steps;
  });
  return (shared + sum(runs)) * denseCost(net) / batch;
}
