/** The interface of methods, which fit plans to budgets; `named_methods.ts` lists them all. */
import type {
  AnotherSolver,
  Sampler,
  TrainedNoise,
} from "@dip-go/core/samplers";
import type { Precision, SessionOptions } from "@dip-go/core/runtime";
import {
  costBudget,
  denseCost,
  type SubNetPlan,
  type SuperNet,
} from "@dip-go/supernet/gates";
import type { SubNetRunner } from "@dip-go/supernet/sampling";
import { planCost, type SolverSessions } from "@dip-go/supernet/solver";
import type { TrainingForm } from "@dip-go/supernet/training";
import type { CalibrationBatch } from "./calibration.ts";
import type { DecodePictures } from "./network/consistency_loss.ts";
import type { SearchSettings } from "./search_settings.ts";
import type {
  Teacher,
  TeacherSettings,
  Trajectories,
} from "./search/learned_solver/teacher.ts";

/** A plan of First Block Cache or TeaCache, which decide while sampling, for all pictures of a batch together. */
export interface AdaptivePlan {
  readonly kind: "adaptive";
  /** The number of units that run before the decision: those of the first block, or none under TeaCache. */
  readonly first: number;
  /** The largest relative change, or sum of estimated changes, at which the other blocks are reused. */
  readonly threshold: number;
  /** TeaCache's estimate of the output's change: coefficients, constant first; undefined under First Block Cache. */
  readonly polynomial?: readonly number[];
  /** The MACs of one picture, in the mean over the search's runs. */
  readonly macs: number;
  /** The cost of one picture in the budget's unit, in the same mean. */
  readonly cost: number;
}

/** The full model with fewer steps. */
export interface StepsPlan {
  readonly kind: "steps";
  readonly steps: number;
  /** The solver that makes the steps; the experiment's sampler by default. */
  readonly solver?: AnotherSolver;
}

/** The precision in which a plan is sampled, and the weights that it keeps in 8 bits. */
export type PlanPrecision = Pick<SessionOptions, "precision" | "int8Weights">;

/** A plan: a SubNet of the T-step sampler, one decided while sampling, or the full model with fewer steps. */
export type SampledPlan =
  & (
    | { readonly kind: "gates"; readonly plan: SubNetPlan }
    | AdaptivePlan
    | StepsPlan
  )
  /** The precision of the plan; the run's by default. */
  & { readonly precise?: PlanPrecision };

/** A fit's result; `none` says why no plan meets the budget. */
export type FittedPlan =
  | SampledPlan
  | { readonly kind: "none"; readonly note: string };

/** The checkpoint and the curves of a part of a search. */
export interface SearchPlace {
  /** A safetensors file from which a killed search may go on. */
  readonly checkpoint?: string;
  /** Records the values of one iteration, numbered from 0, for curves. */
  note?(iteration: number, values: Readonly<Record<string, number>>): void;
}

/** A method's task: model, sampler, targets and settings, with sessions and data made when asked for. */
export interface MethodContext {
  /** The SuperNet at the search's batch, of T model calls. */
  readonly net: SuperNet;
  readonly sampler: Sampler;
  /** Sessions of `net`. */
  readonly runner: SubNetRunner;
  readonly search: SearchSettings;
  /** The sampler with another number of steps, or another solver. */
  withSteps(steps: number, solver?: AnotherSolver): Sampler;
  /** The noise that the model was trained with; undefined for flow matching. */
  trainedNoise(): TrainedNoise | undefined;
  /** Trajectories of more steps, or of another solver, from the calibration's starts. */
  trajectories(steps: number, solver?: AnotherSolver): Promise<Trajectories>;
  /** The targets, ascending: the last one is fitted, the others may lead to it. */
  readonly sparsity: readonly number[];
  /** The seed of everything random in a fit, never of an evaluation's noise. */
  readonly seed: number;
  /** Loads the decoder from latents to pictures; undefined if latents are pixels. */
  decode(): Promise<DecodePictures | undefined>;
  /** The training form of `net`, opened when first asked for. */
  form(): Promise<TrainingForm>;
  /** Batches with the full sampler's trajectories, made when first asked for. */
  calibration(): Promise<readonly CalibrationBatch[]>;
  /** Sessions of the whole network at the search's batch, opened when first asked for. */
  solver(): Promise<SolverSessions>;
  /** The full sampler's trajectories for learned solvers, without added noise; made when first asked for. */
  teacher(solver: TeacherSettings): Promise<Teacher>;
  /** Reports that `done` of `total` parts of the search are done, with values such as a loss. */
  progress(
    done: number,
    total: number,
    values?: Readonly<Record<string, number>>,
  ): void;
  /**
   * Returns the value of `make`, made once for all targets, and kept for later
   * searches if that is possible. The value must survive JSON.
   */
  once<Value>(
    part: SearchPart,
    make: (place: SearchPlace) => Promise<Value>,
  ): Promise<Value>;
}

/** A part of a search, which {@linkcode MethodContext.once} makes and keeps. */
export interface SearchPart {
  readonly name: string;
  /** Everything that the part's value depends on besides model, sampler, SuperNet, seed and calibration. */
  readonly reads: unknown;
}

/** The task of one fit, as far as it is known before anything runs. */
export interface FitTask
  extends Pick<MethodContext, "net" | "search" | "sparsity"> {
  /** The budget, as {@linkcode Method.fit} takes it. */
  readonly maxCost: number;
}

/** A search whose cost is asked, and the budgets that it serves, each over all steps at its batch. */
export interface PricedSearch extends Pick<MethodContext, "net" | "search"> {
  readonly budgets: readonly number[];
}

/** The settings and targets that plans may depend on; a caller may give names for targets. */
export interface ReadSettings extends Pick<MethodContext, "search"> {
  readonly sparsity: readonly (number | string)[];
}

export interface Method {
  /** The name in tables and file names: letters, digits, "+" and "-". */
  readonly name: string;
  /** Says, before any work, why a sampler has no plan at any budget; undefined if it may have one. */
  refusal?(of: Pick<MethodContext, "net" | "sampler">): string | undefined;
  /** The parts of the search settings that its search reads; the first part is its own. */
  readonly settings?: readonly (keyof SearchSettings)[];
  /** The precision in which its plans are sampled, the run's by default; they are fitted in float32. */
  readonly precision?: Precision;
  /** Why its result is not a plan; undefined if it is one. */
  readonly unplanned?: string;
  /** How fitting runs the model; false if the gates follow from the budget alone. */
  readonly searches: false | "by samples" | "by gradient";
  /**
   * Everything that its plans depend on besides model, sampler, SuperNet, seed,
   * calibration and budget; all settings and targets by default, if it searches.
   */
  reads?(settings: ReadSettings): unknown;
  /** The parts that `fit` asks `once` for, in that order; a part may read earlier ones. */
  parts?(task: FitTask): readonly SearchPart[];
  /** The cost of its search's model calls for all budgets together, in the SuperNet's unit; 0 by default. */
  searchCost?(search: PricedSearch): number;
  /** The number of pictures its search sees, if not the calibration's; `searchCost` includes sampling them. */
  pictures?(settings: Pick<MethodContext, "search">): number;
  /** @param maxCost The budget over all steps at `context.net`'s batch, in the unit of its costs. */
  fit(
    context: MethodContext,
    maxCost: number,
  ): FittedPlan | Promise<FittedPlan>;
}

/** A plan of gates as a fit's result. */
export const planned = (plan: SubNetPlan): FittedPlan => ({
  kind: "gates",
  plan,
});

/** A fit's result without a plan; `note` says why no plan meets the budget. */
export const noPlan = (note: string): FittedPlan => ({ kind: "none", note });

/**
 * Fits a method to the last of a context's targets; earlier ones need not be fitted.
 *
 * @throws {RangeError} If the plan exceeds the budget.
 *
 * @example A method of one's own is held to its budget
 * ```ts
 * import { assertRejects } from "@std/assert";
 * import { loadPipeline } from "@dip-go/core";
 * import { classSearch } from "@dip-go/pruner";
 * import { fitTarget, type Method, SamplerSearch } from "@dip-go/pruner/methods";
 *
 * const full: Method = {
 *   name: "full",
 *   searches: false,
 *   fit: ({ net }) => ({ kind: "steps", steps: net.steps }),
 * };
 * const pipeline = await loadPipeline("zoo/models/dit-shapes");
 * const options = { search: classSearch, seed: 0 };
 * await using search = new SamplerSearch(pipeline.sampler(), options);
 * await assertRejects(
 *   () => fitTarget(full, search.context([0.5])),
 *   RangeError,
 *   "Cannot use the plan of full at sparsity 0.5",
 * );
 * ```
 */
export async function fitTarget(
  method: Method,
  context: MethodContext,
): Promise<FittedPlan> {
  const { net, search: { batch } } = context;
  const note = method.refusal?.(context);
  if (note) return noPlan(note);
  const sparsity = context.sparsity.at(-1)!;
  const dense = denseCost(net) / batch;
  const budget = costBudget(dense, sparsity);
  if (budget < dense / net.steps * (1 - 1e-9)) {
    return noPlan("one call exceeds the budget");
  }
  const fitted = await method.fit(context, batch * budget);
  if (fitted.kind === "none") return fitted;
  const cost = fitted.kind === "adaptive"
    ? fitted.cost
    : fitted.kind === "steps"
    ? dense / net.steps *
      context.withSteps(fitted.steps, fitted.solver).steps.length
    : planCost(net, fitted.plan) / batch;
  if (cost <= budget) return fitted;
  throw new RangeError(
    `Cannot use the plan of ${method.name} at sparsity ${sparsity}: it costs ${cost}, the budget is ${budget}`,
  );
}
