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
import { looks, refined } from "./refine.ts";
import { type RidgeFit, ridgeFit } from "./ridge.ts";
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
const made = "inverse errors, finer states, forms by fits";

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
      reads: { ...solver, made },
    }),
  };
};

/** Makes the method that fits learned solvers to a maker's schedules. */
const solverMethod = (name: string, maker: ScheduleMaker): Method => ({
  name,
  settings: ["solver"],
  searches: ({ search: { solver } }) =>
    iterationsOf(solver) > 0 ? "by gradient" : "by samples",
  refusal: noisy,
  reads: ({ search: { solver } }) => ({ solver, made }),
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
  const steps = fit.space.form.schedule.map(({ step }) => step);
  const iterations = iterationsOf(settings);
  if (iterations === 0) return { steps, solver: fit.solver };
  const { solver } = await refined(
    { sessions, teacher, fit },
    {
      iterations,
      accumulate: Math.ceil(settings.pictures / sessions.shape[0]),
      judged: judgedBatches(context.search),
    },
    (done, loss) => progress(done, iterations, { loss }),
  );
  return { steps, solver };
}

const iterationsOf = (
  { refine, refinements }: SearchSettings["solver"],
): number => refine === "none" ? 0 : refinements;

/** The number of batches that choose the best iterate: at most half of all, since gradients see the others. */
export const judgedBatches = (
  { batch, solver: { pairs, judged } }: SearchSettings,
): number =>
  Math.min(
    Math.ceil(judged / batch),
    Math.max(1, Math.floor(Math.ceil(pairs / batch) / 2)),
  );

/** The number of batches that forms are compared on: all if calls are few, else 16 pictures; of 8, chance chose. */
const comparedBatches = (
  { batch, solver: { pairs } }: SearchSettings,
  units: number,
  steps: number,
) => Math.ceil((isFew(units, steps) ? pairs : Math.min(16, pairs)) / batch);

/** The fit of the form that comes closest to the teacher's final latents on the first `compared` batches. */
async function bestFit(
  sessions: SolverSessions,
  { batches, ...teacher }: Teacher,
  { forms, compared, progress }: Pick<MethodContext, "progress"> & {
    readonly forms: readonly SolverForm[];
    readonly compared: number;
  },
): Promise<RidgeFit> {
  const shown = forms.length > 1 ? batches.slice(0, compared) : batches;
  const fits: RidgeFit[] = [];
  for (const form of forms) {
    fits.push(await ridgeFit(sessions, { ...teacher, batches: shown }, form));
    fits.sort((a, b) => a.loss - b.loss);
    progress(fits.length, forms.length, { loss: fits[0].loss });
  }
  const [best] = fits;
  if (shown.length === batches.length) return best;
  return await ridgeFit(sessions, { ...teacher, batches }, best.space.form);
}

/** A gradient's cost in forward passes, recomputation included: 3.5 on `dit-shapes`, 4.1 on `sd-shapes`. */
const gradientPasses = 4;

/** The cost of teacher and sensitivities, and for each budget of the forms, the fit and its refinement. */
function searchCost(
  { net, search, budgets }: PricedSearch,
  { most, measures }: ScheduleMaker,
): number {
  const { batch, solver } = search;
  const { pairs, perturbed, teacher } = solver;
  const shared = pairs * (teacher ? teacher.steps / net.steps : 1) +
    (teacher && measures ? perturbed : 0) +
    (measures ? sensitivityPasses(net.steps, perturbed) : 0);
  const iterations = iterationsOf(solver);
  const refinement = judgedBatches(search) * batch * looks(iterations) +
    iterations * solver.pictures * gradientPasses;
  const runs = budgets.map((budget) => {
    const units = unitsOf(net, budget);
    const compared = batch * comparedBatches(search, units, net.steps);
    const forms = most > 1 ? most * compared : 0;
    const fit = most > 1 && compared >= pairs ? 0 : pairs;
    return budget * (forms + fit + (iterations > 0 ? refinement : 0));
  });
  return (shared * denseCost(net) + sum(runs)) / batch;
}
