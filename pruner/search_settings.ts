/**
 * Settings of every search, with defaults for models of classes and of prompts, by
 * which the embedded models are pruned in minutes on two cores.
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
import { alignedTables } from "./rivals/few_steps/aligned_timesteps.ts";

/** The schema of a part of the settings; the part, and each of its keys, may be absent. */
const section = <const Entries extends v.ObjectEntries>(entries: Entries) =>
  v.optional(record(entries), {} as never);

/** The part of the settings of each method that trains DiP-GO's pruner network. */
export const trainings = {
  "dip-go": "dipGo",
  "dip-go+steps": "network",
} as const;
const trained = Object.keys(trainings) as (keyof typeof trainings)[];

/** The schema of the settings of random and genetic search. */
const evolution = record({
  /** SubNets to sample for each budget on all batches, or as many as a method's training pays for. */
  evaluations: v.union(
    [wholeFrom(1), v.picklist(trained)],
    `a whole number from 1, ${trained.join(" or ")}`,
  ),
  /** The number of SubNets in a round, and of the best that live on. */
  population: wholeFrom(1),
});

/**
 * The schema of the settings to train DiP-GO's pruner network (section 4.1).
 *
 * @param isPublished Whether defaults are the paper's; else they are this project's.
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
      /** Whether queries see each other by self-attention, or not at all (`linear`). */
      encoder: v.optional(oneOf(["linear", "attention"]), "attention"),
      /** Initial weights: drawn as by PyTorch's layers, or normal with variance 1/n. */
      initial: v.optional(
        oneOf(["torch", "lecun"]),
        isPublished ? "torch" : "lecun",
      ),
    }),
    /** Whether the whole step is a unit too; the paper has none. */
    wholeStep: v.optional(v.boolean(), !isPublished),
    /** Whether units that nothing reads in their step are closed, as in Algorithm 1; else they run for later steps. */
    cascade: v.optional(v.boolean(), isPublished),
    /** The distance of L_c; `ssim` is the paper's choice. */
    consistency: v.optional(oneOf(["ssim", "l1", "l2", "l1+ssim"]), "ssim"),
    /** The space of L_c: pictures, as in the paper, or latents, which spares a latent model its decoder. */
    space: v.optional(oneOf(["pictures", "latents"]), "pictures"),
    /** α, the weight of the sparsity loss. */
    alpha: v.optional(weight, 1),
    /** Whether γ is the share of the cost that a gate saves, or 1 for all. */
    gamma: v.optional(v.boolean(), true),
    /** L_s: equation 3, the sum of its authors' code, or equation 3 with `stop` relative to the full model's L_s. */
    sparsityLoss: v.optional(
      oneOf(["equation-3", "companion", "relative"]),
      isPublished ? "equation-3" : "relative",
    ),
    /** The sparsity loss at or below which only L_c is left; the paper's is 0.2. */
    stop: v.optional(weight, 0.2),
    iterations: v.optional(wholeFrom(1), own.iterations),
    optimizer: v.optional(
      oneOf(["sgd", "adamw"]),
      isPublished ? "sgd" : "adamw",
    ),
    learningRate: v.optional(positive, own.learningRate),
    weightDecay: v.optional(weight, 1e-4),
    warmUp: v.optional(wholeFrom(0), 0),
    /** The largest norm of the parameters' gradient; no limit by default in the paper's training. */
    clip: v.optional(positive, isPublished ? undefined : 1),
    /** The number of batches whose gradients are averaged for one update. */
    accumulate: v.optional(wholeFrom(1), 1),
  });

/** The order of an exponential integrator; the model's config may have one, else it is 2. */
const order = v.picklist([1, 2, 3], "1, 2 or 3");

/** @param areDear Whether model calls are dear, as a prompt model's are. */
const settingsFor = (areDear: boolean) => {
  /** The schema of a count, with its default, and the default for dear models if it differs. */
  const count = (most: number, dear = most) =>
    v.optional(wholeFrom(1), areDear ? dear : most);
  return record({
    /** Pictures that a search samples at once. */
    batch: count(4, 2),
    /** Batches of noise and subjects that searches work on. */
    calibration: count(6, 4),
    /** The rule that turns the pruner network's scores into gates within a budget. */
    fit: v.optional(oneOf(["bisection", "greedy"]), "bisection"),
    /** DiP-GO's training as published. */
    dipGo: networkSettings(true, {
      iterations: 1000,
      learningRate: areDear ? 0.1 : 10, // the paper's rates for Stable Diffusion and for DiT
    }),
    /** The training of `dip-go+steps`: DiP-GO's with this project's additions. */
    network: networkSettings(false, {
      iterations: areDear ? 16 : 24,
      learningRate: 3e-3,
    }),
    /** The walk by gradient energy, of `energy+forecast`. */
    energy: section({
      /** The number of measurements on the way from the full model to the first target. */
      approach: count(4, 3),
      /** The largest number of plans sampled for each target. */
      evaluations: count(12, 8),
      /** The forecast of a skipped step: refined by gradient (default), by least squares, or the last prediction. */
      forecast: v.optional(oneOf(["refined", "fitted", "held"])),
      /** The number of exchanges tried for each measurement of the gradient. */
      tries: count(5, 4),
    }),
    /** Gradient steps on forecast scalars after least squares. */
    refine: section({
      iterations: v.optional(wholeFrom(0), areDear ? 4 : 5),
      learningRate: v.optional(positive, 0.01),
    }),
    /** Fewer steps: the solver that makes them, the experiment's sampler by default. */
    fewerSteps: section({
      solver: v.optional(v.variant("kind", [
        record({
          kind: v.literal("dpm-solver++"),
          order: v.optional(order),
          /** A published table of timesteps; the solver's own spacing by default. */
          times: v.optional(oneOf(alignedTables)),
        }),
        record({
          kind: v.picklist(["unipc", "deis"]),
          order: v.optional(order),
        }),
      ])),
    }),
    /** GITS: timesteps of DPM-Solver++ along trajectories of many steps. */
    gits: section({
      order: v.optional(order),
      /** The number of steps of the trajectories. */
      steps: count(60),
      /** The factor by which each jump counts more than the one before. */
      growth: v.optional(positive, 1.15),
    }),
    /** The best k of T steps: the largest number of subsets sampled for each budget. */
    subset: section({ evaluations: count(20) }),
    /** Settings of DPCache. */
    dpCache: section({
      /** The order of the Taylor series that forecasts predictions. */
      order: v.optional(wholeFrom(0), 2),
      /** The number of first steps that are always computed. */
      forced: v.optional(wholeFrom(2), 3),
    }),
    /** BudCache: the largest number of choices of steps sampled for each budget. */
    budCache: section({ evaluations: count(400) }),
    /** L2P's weights: trained as by its authors, or least squares over computed predictions; on `solver.pairs`. */
    l2p: section({
      weights: v.optional(oneOf(["trained", "least-squares"]), "trained"),
    }),
    /** Training of Learning-to-Cache's routers, by a pair of calls at each iteration. */
    routers: section({
      iterations: count(300),
      learningRate: v.optional(positive, 0.1),
      /** The initial λ, the weight of the routers' sum. */
      sumWeight: v.optional(positive, 5e-6),
    }),
    /** Settings of the learned solver. */
    solver: section({
      /** The number of the full sampler's trajectories that the solver is fitted to. */
      pairs: count(48),
      /** The number of pictures on which the sensitivity to errors is measured. */
      perturbed: count(4),
      /** Whether the least-squares fit is refined by the final picture: where that takes few calls, always or never. */
      refine: v.optional(oneOf(["if-cheap", "always", "none"]), "if-cheap"),
      /** The number of pictures that refinement differentiates, in whole batches, of `pairs` at most. */
      pictures: count(16),
      /** The sampler that makes the targets: the same with this many steps; by default the pruned one. */
      teacher: v.optional(record({ steps: wholeFrom(1) })),
    }),
    /** Random and genetic search need it; no other search reads it. */
    evolution: v.optional(evolution),
  });
};

/** The schema of the settings, with defaults for a model of classes. */
export const classSettings = settingsFor(false);

/** The schema of the settings, with defaults for a model of prompts, whose calls are dearer. */
export const promptSettings: typeof classSettings = settingsFor(true);

/** The settings of all searches; calibration noise and subjects follow from a seed, which is separate. */
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
