/**
 * Settings of every search, and the defaults for models of classes and of
 * prompts: small enough that the embedded models are pruned in minutes on two cores.
 */
import type { FitKind } from "./budget/fit_budget.ts";
import type { ConsistencyLoss } from "./network/consistency_loss.ts";
import type { PrunerNetworkOptions } from "./network/pruner_network.ts";

/** Training of DiP-GO's pruner network (section 4.1). */
export interface NetworkSearchOptions {
  readonly network: PrunerNetworkOptions;
  readonly consistency: ConsistencyLoss;
  /** The space of L_c: pictures, as in the paper, or latents, which spares a latent model its decoder. */
  readonly space: "pictures" | "latents";
  /** α, the weight of the sparsity loss. */
  readonly alpha: number;
  /** Whether γ is the share of the cost that a gate saves, or 1 for all. */
  readonly gamma: boolean;
  /** Sparsity loss at which only L_c is left; the paper's is 0.2. */
  readonly stop: number;
  readonly iterations: number;
  readonly optimizer: "sgd" | "adamw";
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly warmUp: number;
  /** Largest norm of the parameters' gradient. */
  readonly clip: number;
  /** Batches whose gradients are averaged for one update. */
  readonly accumulate: number;
}

/** The walk by gradient energy. */
export interface EnergySearchOptions {
  /** Measurements on the way from the full model to the first target. */
  readonly approach: number;
  /** Plans that are sampled a target, at most. */
  readonly evaluations: number;
  /** Exchanges tried from one measurement of the gradient, before measuring again. */
  readonly tries: number;
}

/** Gradient steps on forecast scalars after least squares. */
export interface RefineOptions {
  readonly iterations: number;
  readonly learningRate: number;
}

/** Random and genetic search. */
export interface EvolutionOptions {
  /** SubNets sampled a budget, each on every calibration batch, or as many as DiP-GO's training would pay for. */
  readonly evaluations: number | "equal-cost";
  /** SubNets of a round, and how many live on. */
  readonly population: number;
}

/** Settings of the searches; calibration noise and subjects follow from a seed besides. */
export interface SearchSettings {
  /** Pictures that a search samples at once. */
  readonly batch: number;
  /** Batches of noise and subjects that searches work on. */
  readonly calibration: number;
  readonly network: NetworkSearchOptions;
  /** How budgets are fitted to the network's scores. */
  readonly fit: FitKind;
  readonly energy: EnergySearchOptions;
  readonly refine: RefineOptions;
  /** The best k of T steps: subsets that are sampled a budget, at most. */
  readonly subset: { readonly evaluations: number };
  /** Only random and genetic search read it. */
  readonly evolution?: EvolutionOptions;
}

/**
 * Defaults for a model of classes.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { classSearch } from "@dip-go/pruner";
 *
 * assertEquals(classSearch.batch * classSearch.calibration, 24);
 * ```
 */
export const classSearch: SearchSettings = {
  batch: 4,
  calibration: 6,
  fit: "bisection",
  network: {
    network: { queryDim: 64, encoder: "attention" },
    consistency: "ssim",
    space: "pictures",
    alpha: 1,
    gamma: true,
    stop: 0.2,
    iterations: 24,
    optimizer: "adamw",
    learningRate: 3e-3,
    weightDecay: 1e-4,
    warmUp: 0,
    clip: 1,
    accumulate: 1,
  },
  energy: { approach: 4, evaluations: 12, tries: 5 },
  refine: { iterations: 5, learningRate: 0.01 },
  subset: { evaluations: 20 },
};

/**
 * Defaults for a model of prompts, whose calls are dearer.
 *
 * @example Twice the batches, for a search of more than a minute
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { promptSearch, type SearchSettings } from "@dip-go/pruner";
 *
 * const longer: SearchSettings = { ...promptSearch, calibration: 8 };
 * assertEquals(longer.batch, 2);
 * ```
 */
export const promptSearch: SearchSettings = {
  ...classSearch,
  batch: 2,
  calibration: 4,
  network: { ...classSearch.network, iterations: 16 },
  energy: { approach: 3, evaluations: 8, tries: 4 },
  refine: { iterations: 4, learningRate: 0.01 },
};
