/** A method: its name, and how it fits a plan to a budget. Those that exist are in `methods.ts`. */
import type { Sampler } from "@dip-go/core/samplers";
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
import type { Teacher } from "./search/learned_solver/teacher.ts";

/** First Block Cache decides while sampling, for all pictures of a batch together. */
export interface AdaptivePlan {
  readonly kind: "adaptive";
  /** Units of the first block. */
  readonly first: number;
  /** The largest relative change at which the other blocks are reused. */
  readonly threshold: number;
  /** Of one picture, means over the search's runs. */
  readonly macs: number;
  /** What it takes of a budget, likewise. */
  readonly cost: number;
}

/** In which precision a plan is sampled, and which weights are in 8 bits then. */
export type PlanPrecision = Pick<SessionOptions, "precision" | "int8Weights">;

/** How the budget is met: by a SubNet of the T-step sampler, by one that is decided while sampling, or by the full model with fewer steps. */
export type SampledPlan =
  & (
    | { readonly kind: "gates"; readonly plan: SubNetPlan }
    | AdaptivePlan
    | { readonly kind: "steps"; readonly steps: number }
  )
  /** As everything is sampled, unless told. */
  & { readonly precise?: PlanPrecision };

/** A fit's result; `none` says why no plan meets the budget. */
export type FittedPlan =
  | SampledPlan
  | { readonly kind: "none"; readonly note: string };

/** A place for state that outlives a killed search. */
export interface SearchPlace {
  /** A safetensors file from which a killed search may go on. */
  readonly checkpoint?: string;
  /** Notes values of one iteration, numbered from 0, for curves. */
  note?(iteration: number, values: Readonly<Record<string, number>>): void;
}

/** A model, ready to be searched, and the task. */
export interface MethodContext {
  /** At the search's batch, T model calls. */
  readonly net: SuperNet;
  readonly sampler: Sampler;
  /** Sessions of `net`. */
  readonly runner: SubNetRunner;
  readonly search: SearchSettings;
  /** Model calls of the sampler with so many steps. */
  calls(steps: number): number;
  /** The targets, ascending: the last is fitted, those before it may lead to it. */
  readonly sparsity: readonly number[];
  /** Of everything random in a fit; never the noise of an evaluation. */
  readonly seed: number;
  /** In a latent space, the decoder that makes pictures. */
  decode(): Promise<DecodePictures | undefined>;
  /** The training form of `net`, opened when first asked for. */
  form(): Promise<TrainingForm>;
  /** Batches with the full sampler's trajectories, made when first asked for. */
  calibration(): Promise<readonly CalibrationBatch[]>;
  /** The network whole, at the search's batch, opened when first asked for. */
  solver(): Promise<SolverSessions>;
  /** Whole trajectories of the full sampler, which must add no noise; made when first asked for. */
  teacher(): Promise<Teacher>;
  /** Reports that `done` of `total` parts of the search are done, and how well, such as a loss. */
  progress(
    done: number,
    total: number,
    values?: Readonly<Record<string, number>>,
  ): void;
  /**
   * The value of `make`, made once for all targets and kept, if that is
   * possible: a search that serves several budgets. Must survive JSON.
   */
  once<Value>(
    part: SearchPart,
    make: (place: SearchPlace) => Promise<Value>,
  ): Promise<Value>;
}

/** A part of a search that is made once and kept, as `once` is asked for it. */
export interface SearchPart {
  readonly name: string;
  /** Everything that its value depends on besides model, sampler, SuperNet, seed and calibration. */
  readonly reads: unknown;
}

/** The task of one fit, as far as it is known before anything runs. */
export interface FitTask
  extends Pick<MethodContext, "net" | "search" | "sparsity"> {
  /** As `fit` takes it. */
  readonly maxCost: number;
}

/** A search, and the budgets over all steps at its batch that it serves. */
export interface PricedSearch extends Pick<MethodContext, "net" | "search"> {
  readonly budgets: readonly number[];
}

/** What plans may depend on besides the model; targets as whoever asks names them. */
export interface ReadSettings extends Pick<MethodContext, "search"> {
  readonly sparsity: readonly (number | string)[];
}

export interface Method {
  /** As in tables and file names: letters, digits, "+" and "-". */
  readonly name: string;
  /** Why it has no plan of a sampler at any budget, which is said before any work; nothing where it may have one. */
  refusal?(of: Pick<MethodContext, "net" | "sampler">): string | undefined;
  /** Parts of the search settings that its search reads; settings of the first are its own. */
  readonly settings?: readonly (keyof SearchSettings)[];
  /** In which its plans are sampled, as everything is unless told; they are fitted in float32. */
  readonly precision?: Precision;
  /** Why its result is no plan, where it is none. */
  readonly unplanned?: string;
  /** How fitting runs the model; false where the gates follow from the budget alone. */
  readonly searches: false | "by samples" | "by gradient";
  /** Everything that its plans depend on besides model, sampler, SuperNet, seed, calibration and budget; all search settings and targets unless told, nothing where it does not search. */
  reads?(settings: ReadSettings): unknown;
  /** The parts that `fit` asks `once` for, in that order; each may read those before it. */
  parts?(task: FitTask): readonly SearchPart[];
  /** Cost of the model calls of its search for all budgets together, in the unit of the SuperNet's costs; 0 unless told. */
  searchCost?(search: PricedSearch): number;
  /** Different pictures that its search sees, if those are not the calibration's; `searchCost` counts their sampling too. */
  pictures?(settings: Pick<MethodContext, "search">): number;
  /** @param maxCost Budget over all steps at `context.net`'s batch, in the unit of its costs. */
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

/** Why no plan meets a budget, as a fit's result. */
export const noPlan = (note: string): FittedPlan => ({ kind: "none", note });

/**
 * Fits a method to the last of a context's targets, whichever were fitted before.
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
  const fitted = await method.fit(context, batch * budget);
  if (fitted.kind === "none") return fitted;
  const cost = fitted.kind === "adaptive"
    ? fitted.cost
    : fitted.kind === "steps"
    ? dense / net.steps * context.calls(fitted.steps)
    : planCost(net, fitted.plan) / batch;
  if (cost <= budget) return fitted;
  throw new RangeError(
    `Cannot use the plan of ${method.name} at sparsity ${sparsity}: it costs ${cost}, the budget is ${budget}`,
  );
}
