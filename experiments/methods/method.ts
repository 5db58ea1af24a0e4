/** What every rival is to the experiment runner: a name, and how it fits a plan to a budget. */
import type { SubNetPlan, SuperNet } from "@dip-go/supernet/gates";
import type { SubNetRunner } from "@dip-go/supernet/sampling";
import type { TrainingForm } from "@dip-go/supernet/training";
import type { FitKind } from "@dip-go/pruner/budget";
import type {
  CalibrationBatch,
  SamplingSetup,
} from "@dip-go/pruner/calibration";
import type {
  DecodePictures,
  NetworkSearchOptions,
} from "@dip-go/pruner/network";
import type { EnergySearchOptions, RefineOptions } from "@dip-go/pruner/search";

/** Options of the searches; calibration noise and subjects are drawn from the experiment's seed. */
export interface SearchSettings {
  /** Images that a search samples at once. */
  readonly batch: number;
  /** Batches of noise and subjects that searches work on. */
  readonly calibration: number;
  /** DiP-GO's pruner network. */
  readonly network: NetworkSearchOptions;
  /** How budgets are fitted to the network's scores. */
  readonly fit: FitKind;
  /** The walk by gradient energy; its targets and seed are the experiment's. */
  readonly energy: Omit<EnergySearchOptions, "sparsity" | "seed">;
  /** Gradient steps on forecast scalars after least squares. */
  readonly refine: RefineOptions;
  /** The best k of T steps. */
  readonly subset: { readonly evaluations: number };
  /** Random and genetic search; only they read it. */
  readonly evolution?: {
    /** SubNets sampled a budget, each on every calibration batch, or as many as DiP-GO's training would pay for. */
    readonly evaluations: number | "equal-cost";
    /** SubNets of a round, and how many live on. */
    readonly population: number;
  };
}

/** How the budget is met: by a SubNet of the T-step sampler, or by the dense model with fewer steps. */
export type SampledPlan =
  | { readonly kind: "gates"; readonly plan: SubNetPlan }
  | { readonly kind: "steps"; readonly steps: number };

/** What a fit gives; `none` leaves the row out of the results and says why. */
export type FittedPlan =
  | SampledPlan
  | { readonly kind: "none"; readonly note: string };

/** What a method may work with. */
export interface MethodContext {
  /** At the search's batch, T model calls. */
  readonly net: SuperNet;
  /** Sessions of `net`. */
  readonly runner: SubNetRunner;
  readonly setup: SamplingSetup;
  /** In a latent space, what makes pictures. */
  readonly decode?: DecodePictures;
  readonly search: SearchSettings;
  /** Model calls of the sampler with so many steps. */
  calls(steps: number): number;
  /** The experiment's targets up to the one that is fitted, ascending. */
  readonly sparsity: readonly number[];
  /** Of everything random in a fit; never the noise of the evaluation. */
  readonly seed: number;
  /** The training form of `net`, opened when first asked for. */
  form(): Promise<TrainingForm>;
  /** Batches with the full sampler's trajectories, made when first asked for. */
  calibration(): Promise<readonly CalibrationBatch[]>;
  /** Reports that `done` of `total` parts of the search are done. */
  progress(done: number, total: number): void;
  /**
   * What `make` gives, made once and kept for all runs: a search that serves
   * several budgets. Must survive JSON. `make` is given a safetensors file in
   * which it may keep what it needs to go on after being killed.
   *
   * @param reads What the value depends on besides model, sampler, SuperNet, seed and calibration; all search settings and targets unless told.
   */
  once<Value>(
    name: string,
    make: (checkpoint: string) => Promise<Value>,
    reads?: unknown,
  ): Promise<Value>;
}

/** One rival. */
export interface Method {
  /** As in tables and file names: letters, digits, "+" and "-". */
  readonly name: string;
  /** Whether fitting samples the model; a dry run leaves such methods unfitted. */
  readonly searches: boolean;
  /** What its plans depend on besides model, sampler, SuperNet, seed, calibration and budget; all search settings and targets unless told, nothing where it does not search. */
  reads?(settings: Pick<MethodContext, "search" | "sparsity">): unknown;
  /** @param maxCost Budget over all steps at `context.net`'s batch, in the unit of its costs. */
  fit(context: MethodContext, maxCost: number): Promise<FittedPlan>;
}
