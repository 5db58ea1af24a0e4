/**
 * Settings of every search, and the defaults for models of classes and of
 * prompts: small enough that the embedded models are pruned in minutes on two cores.
 */
import {
  conform,
  type Conformed,
  oneOf,
  positive,
  record,
  weight,
  wholeFrom,
} from "@dip-go/core/files";
import * as v from "valibot";

/** Random and genetic search. */
const evolution = record({
  /** SubNets sampled a budget, each on every calibration batch, or as many as DiP-GO's training would pay for. */
  evaluations: v.union(
    [wholeFrom(1), v.literal("equal-cost")],
    "a whole number from 1 or equal-cost",
  ),
  /** SubNets of a round, and how many live on. */
  population: wholeFrom(1),
});

/** How two trainings of DiP-GO's pruner network differ unless told. */
interface NetworkDefaults {
  readonly queryDim: number;
  readonly initial: "torch" | "lecun";
  readonly wholeStep: boolean;
  readonly cascade: boolean;
  readonly sparsityLoss: "equation-3" | "companion" | "relative";
  readonly iterations: number;
  readonly optimizer: "sgd" | "adamw";
  readonly learningRate: number;
  readonly clip?: number;
}

/** Training of DiP-GO's pruner network (section 4.1). */
const networkSettings = (own: NetworkDefaults) =>
  record({
    network: v.optional(
      record({
        /** D, a multiple of 4; the paper's is 512. */
        queryDim: v.optional(
          v.pipe(
            wholeFrom(4),
            v.multipleOf(4, "a whole number that 4 divides"),
          ),
          own.queryDim,
        ),
        /** How queries see each other: not at all, or by self-attention. */
        encoder: v.optional(oneOf(["linear", "attention"]), "attention"),
        /** How weights are drawn before training: as PyTorch's layers draw them, or normal with variance 1/n. */
        initial: v.optional(oneOf(["torch", "lecun"]), own.initial),
      }),
      {},
    ),
    /** Whether the whole step is a unit too; the paper has none. */
    wholeStep: v.optional(v.boolean(), own.wholeStep),
    /** Whether units that nothing reads in their own step are closed, as in Algorithm 1; else they run for later steps. */
    cascade: v.optional(v.boolean(), own.cascade),
    /** `ssim` is the paper's choice. */
    consistency: v.optional(oneOf(["ssim", "l1", "l2", "l1+ssim"]), "ssim"),
    /** The space of L_c: pictures, as in the paper, or latents, which spares a latent model its decoder. */
    space: v.optional(oneOf(["pictures", "latents"]), "pictures"),
    /** α, the weight of the sparsity loss. */
    alpha: v.optional(weight, 1),
    /** Whether γ is the share of the cost that a gate saves, or 1 for all. */
    gamma: v.optional(v.boolean(), true),
    /** Which sum over gates the sparsity loss is: equation 3, that of its authors' code, or equation 3 over its value for the full model. */
    sparsityLoss: v.optional(
      oneOf(["equation-3", "companion", "relative"]),
      own.sparsityLoss,
    ),
    /** Sparsity loss at which only L_c is left; the paper's is 0.2. */
    stop: v.optional(weight, 0.2),
    iterations: v.optional(wholeFrom(1), own.iterations),
    optimizer: v.optional(oneOf(["sgd", "adamw"]), own.optimizer),
    learningRate: v.optional(positive, own.learningRate),
    weightDecay: v.optional(weight, 1e-4),
    warmUp: v.optional(wholeFrom(0), 0),
    /** Largest norm of the parameters' gradient; any by default in the paper's training. */
    clip: v.optional(positive, own.clip),
    /** Batches whose gradients are averaged for one update. */
    accumulate: v.optional(wholeFrom(1), 1),
  });

/** Counts by which searches of dear models are shorter than those of cheap ones. */
interface SearchCounts {
  readonly batch: number;
  readonly calibration: number;
  readonly iterations: number;
  /** The learning rate of SGD in the paper: 0.1, and 10 for DiT. */
  readonly publishedRate: number;
  readonly approach: number;
  readonly evaluations: number;
  readonly tries: number;
  readonly refinements: number;
  readonly solver: Readonly<
    Record<"pairs" | "perturbed" | "judged" | "refinements", number>
  >;
}

const settingsWith = (counts: SearchCounts) => {
  const count = (most: number) => v.optional(wholeFrom(1), most);
  return record({
    /** Pictures that a search samples at once. */
    batch: count(counts.batch),
    /** Batches of noise and subjects that searches work on. */
    calibration: count(counts.calibration),
    /** How budgets are fitted to the network's scores. */
    fit: v.optional(oneOf(["bisection", "greedy"]), "bisection"),
    /** DiP-GO's training as published. */
    dipGo: v.optional(
      networkSettings({
        queryDim: 512,
        initial: "torch",
        wholeStep: false,
        cascade: true,
        sparsityLoss: "equation-3",
        iterations: 1000,
        optimizer: "sgd",
        learningRate: counts.publishedRate,
      }),
      {},
    ),
    /** The same with what this project adds, of `dip-go+steps`. */
    network: v.optional(
      networkSettings({
        queryDim: 64,
        initial: "lecun",
        wholeStep: true,
        cascade: false,
        sparsityLoss: "relative",
        iterations: counts.iterations,
        optimizer: "adamw",
        learningRate: 3e-3,
        clip: 1,
      }),
      {},
    ),
    /** The walk by gradient energy. */
    energy: v.optional(
      record({
        /** Measurements on the way from the full model to the first target. */
        approach: count(counts.approach),
        /** Plans that are sampled a target, at most. */
        evaluations: count(counts.evaluations),
        /** How held predictions are combined: refined by gradient (the default), by least squares alone, or held as they are. */
        forecast: v.optional(oneOf(["refined", "fitted", "held"])),
        /** Exchanges tried from one measurement of the gradient, before measuring again. */
        tries: count(counts.tries),
      }),
      {},
    ),
    /** Gradient steps on forecast scalars after least squares. */
    refine: v.optional(
      record({
        iterations: v.optional(wholeFrom(0), counts.refinements),
        learningRate: v.optional(positive, 0.01),
      }),
      {},
    ),
    /** The best k of T steps: subsets that are sampled a budget, at most. */
    subset: v.optional(record({ evaluations: count(20) }), {}),
    /** DPCache. */
    dpCache: v.optional(
      record({
        /** Of the Taylor series by which predictions are forecast. */
        order: v.optional(wholeFrom(0), 2),
        /** How many of the first steps are always computed. */
        forced: v.optional(wholeFrom(2), 3),
      }),
      {},
    ),
    /** BudCache: choices of steps that are sampled a budget, at most. */
    budCache: v.optional(record({ evaluations: count(400) }), {}),
    /** L2P's weights: trained as its authors do, or the least squares over computed predictions. Trajectories are the learned solver's. */
    l2p: v.optional(
      record({
        weights: v.optional(oneOf(["trained", "least-squares"]), "trained"),
      }),
      {},
    ),
    /** Training of Learning-to-Cache's routers, a pair of calls an iteration. */
    routers: v.optional(
      record({
        iterations: count(300),
        learningRate: v.optional(positive, 0.1),
        /** λ, the weight of the routers' sum, from which training starts. */
        sumWeight: v.optional(positive, 5e-6),
      }),
      {},
    ),
    /** The learned solver. */
    solver: v.optional(
      record({
        /** Trajectories of the full sampler that it is fitted to. */
        pairs: count(counts.solver.pairs),
        /** Pictures on which the sensitivity to errors is measured. */
        perturbed: count(counts.solver.perturbed),
        /** Of the pairs, those by which the best is chosen; no gradient sees them. */
        judged: count(counts.solver.judged),
        /** Whether the closed form is refined through the sampler. */
        refine: v.optional(oneOf(["end-to-end", "none"]), "end-to-end"),
        /** Gradient steps. */
        refinements: count(counts.solver.refinements),
        /** Pictures of a gradient step, whole batches. */
        pictures: count(8),
        /** The sampler whose pictures are the targets: the pruned one, or the same with so many steps. */
        teacher: v.optional(record({ steps: wholeFrom(1) })),
      }),
      {},
    ),
    /** Only random and genetic search read it. */
    evolution: v.optional(evolution),
  });
};

/** Settings of every search by default, for a model of classes. */
export const classSettings = settingsWith({
  batch: 4,
  calibration: 6,
  iterations: 24,
  publishedRate: 10,
  approach: 4,
  evaluations: 12,
  tries: 5,
  refinements: 5,
  solver: { pairs: 96, perturbed: 8, judged: 32, refinements: 24 },
});

/** The same for a model of prompts, whose calls are dearer. */
export const promptSettings: typeof classSettings = settingsWith({
  batch: 2,
  calibration: 4,
  iterations: 16,
  publishedRate: 0.1,
  approach: 3,
  evaluations: 8,
  tries: 4,
  refinements: 4,
  solver: { pairs: 48, perturbed: 4, judged: 16, refinements: 16 },
});

/** Settings of the searches; calibration noise and subjects follow from a seed besides. */
export type SearchSettings = Conformed<typeof classSettings>;
export type NetworkSearchOptions = SearchSettings["network"];
export type EnergySearchOptions = SearchSettings["energy"];
export type RefineOptions = SearchSettings["refine"];
export type EvolutionOptions = Conformed<typeof evolution>;

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
export const classSearch: SearchSettings = conform(
  classSettings,
  {},
  "make search settings",
);

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
export const promptSearch: SearchSettings = conform(
  promptSettings,
  {},
  "make search settings",
);
