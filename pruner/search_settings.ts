/**
 * Settings of every search, and the defaults for models of classes and of
 * prompts: small enough that the embedded models are pruned in minutes on two cores.
 */
import {
  type Conformed,
  oneOf,
  positive,
  record,
  weight,
  wholeFrom,
} from "@dip-go/core/files";
import * as v from "valibot";

/** A part of the settings, all of whose keys have defaults. */
const section = <const Entries extends v.ObjectEntries>(entries: Entries) =>
  v.optional(record(entries), {} as never);

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

/**
 * Training of DiP-GO's pruner network (section 4.1).
 *
 * @param isPublished Whether defaults are the paper's, else this project's.
 * @param own Defaults that differ by model.
 */
const networkSettings = (
  isPublished: boolean,
  own: { readonly iterations: number; readonly learningRate: number },
) =>
  section({
    network: section({
      /** D, a multiple of 4; the paper's is 512. */
      queryDim: v.optional(
        v.pipe(
          wholeFrom(4),
          v.multipleOf(4, "a whole number that 4 divides"),
        ),
        isPublished ? 512 : 64,
      ),
      /** How queries see each other: not at all, or by self-attention. */
      encoder: v.optional(oneOf(["linear", "attention"]), "attention"),
      /** How weights are drawn before training: as PyTorch's layers draw them, or normal with variance 1/n. */
      initial: v.optional(
        oneOf(["torch", "lecun"]),
        isPublished ? "torch" : "lecun",
      ),
    }),
    /** Whether the whole step is a unit too; the paper has none. */
    wholeStep: v.optional(v.boolean(), !isPublished),
    /** Whether units that nothing reads in their own step are closed, as in Algorithm 1; else they run for later steps. */
    cascade: v.optional(v.boolean(), isPublished),
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
      isPublished ? "equation-3" : "relative",
    ),
    /** Sparsity loss at which only L_c is left; the paper's is 0.2. */
    stop: v.optional(weight, 0.2),
    iterations: v.optional(wholeFrom(1), own.iterations),
    optimizer: v.optional(
      oneOf(["sgd", "adamw"]),
      isPublished ? "sgd" : "adamw",
    ),
    learningRate: v.optional(positive, own.learningRate),
    weightDecay: v.optional(weight, 1e-4),
    warmUp: v.optional(wholeFrom(0), 0),
    /** Largest norm of the parameters' gradient; any by default in the paper's training. */
    clip: v.optional(positive, isPublished ? undefined : 1),
    /** Batches whose gradients are averaged for one update. */
    accumulate: v.optional(wholeFrom(1), 1),
  });

/** @param areDear Whether model calls are dear, as those of prompts are. */
const settingsFor = (areDear: boolean) => {
  /** A count, and where it differs that of dear models. */
  const count = (most: number, dear = most) =>
    v.optional(wholeFrom(1), areDear ? dear : most);
  return record({
    /** Pictures that a search samples at once. */
    batch: count(4, 2),
    /** Batches of noise and subjects that searches work on. */
    calibration: count(6, 4),
    /** How budgets are fitted to the network's scores. */
    fit: v.optional(oneOf(["bisection", "greedy"]), "bisection"),
    /** DiP-GO's training as published. */
    dipGo: networkSettings(true, {
      iterations: 1000,
      learningRate: areDear ? 0.1 : 10, // the paper's of Stable Diffusion and of DiT
    }),
    /** The same with what this project adds, of `dip-go+steps`. */
    network: networkSettings(false, {
      iterations: areDear ? 16 : 24,
      learningRate: 3e-3,
    }),
    /** The walk by gradient energy. */
    energy: section({
      /** Measurements on the way from the full model to the first target. */
      approach: count(4, 3),
      /** Plans that are sampled a target, at most. */
      evaluations: count(12, 8),
      /** How held predictions are combined: refined by gradient (the default), by least squares alone, or held as they are. */
      forecast: v.optional(oneOf(["refined", "fitted", "held"])),
      /** Exchanges tried from one measurement of the gradient, before measuring again. */
      tries: count(5, 4),
    }),
    /** Gradient steps on forecast scalars after least squares. */
    refine: section({
      iterations: v.optional(wholeFrom(0), areDear ? 4 : 5),
      learningRate: v.optional(positive, 0.01),
    }),
    /** The best k of T steps: subsets that are sampled a budget, at most. */
    subset: section({ evaluations: count(20) }),
    /** DPCache. */
    dpCache: section({
      /** Of the Taylor series by which predictions are forecast. */
      order: v.optional(wholeFrom(0), 2),
      /** How many of the first steps are always computed. */
      forced: v.optional(wholeFrom(2), 3),
    }),
    /** BudCache: choices of steps that are sampled a budget, at most. */
    budCache: section({ evaluations: count(400) }),
    /** L2P's weights: trained as its authors do, or the least squares over computed predictions. Trajectories are the learned solver's. */
    l2p: section({
      weights: v.optional(oneOf(["trained", "least-squares"]), "trained"),
    }),
    /** Training of Learning-to-Cache's routers, a pair of calls an iteration. */
    routers: section({
      iterations: count(300),
      learningRate: v.optional(positive, 0.1),
      /** λ, the weight of the routers' sum, from which training starts. */
      sumWeight: v.optional(positive, 5e-6),
    }),
    /** The learned solver. */
    solver: section({
      /** Trajectories of the full sampler that it is fitted to. */
      pairs: count(96, 48),
      /** Pictures on which the sensitivity to errors is measured. */
      perturbed: count(8, 4),
      /** Of the pairs, those by which the best is chosen; no gradient sees them. */
      judged: count(32, 16),
      /** Whether the closed form is refined through the sampler. */
      refine: v.optional(oneOf(["end-to-end", "none"]), "end-to-end"),
      /** Gradient steps. */
      refinements: count(24, 16),
      /** Pictures of a gradient step, whole batches. */
      pictures: count(8),
      /** The sampler whose pictures are the targets: the pruned one, or the same with so many steps. */
      teacher: v.optional(record({ steps: wholeFrom(1) })),
    }),
    /** Only random and genetic search read it. */
    evolution: v.optional(evolution),
  });
};

/** Settings of every search by default, for a model of classes. */
export const classSettings = settingsFor(false);

/** The same for a model of prompts, whose calls are dearer. */
export const promptSettings: typeof classSettings = settingsFor(true);

/** Settings of the searches; calibration noise and subjects follow from a seed besides. */
export type SearchSettings = Conformed<typeof classSettings>;
export type NetworkSearchOptions = SearchSettings["network"];

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
export const classSearch: SearchSettings = v.parse(classSettings, {});

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
export const promptSearch: SearchSettings = v.parse(promptSettings, {});
