/** The rivals that need no search: their gates follow from the budget alone. */
import { TorchGenerator } from "@dip-go/core/random";
import {
  denseCost,
  type Gates,
  subNetCost,
  type SuperNet,
} from "@dip-go/supernet/gates";
import {
  canDeepCache,
  type DeepCacheCut,
  deepCacheGates,
  foraGates,
  nonUniformKeys,
  randomGates,
  uniformKeys,
  uniformSteps,
  wholeStepGates,
} from "@dip-go/pruner/rivals";
import type { FittedPlan, Method, MethodContext } from "./method.ts";

/** 1 to T. */
function counts({ steps }: SuperNet): number[] {
  return Array.from({ length: steps }, (_, i) => i + 1);
}

/** The first of several gates that fits the budget. */
function firstThatFits(
  net: SuperNet,
  candidates: readonly Gates[],
  maxCost: number,
): FittedPlan {
  const gates = candidates.find((gates) => subNetCost(net, gates) <= maxCost);
  if (gates) return { kind: "gates", plan: { gates } };
  return { kind: "none", note: "no choice of its parameter fits the budget" };
}

/** The same sampler with as many steps as the budget pays for. */
export const fewerSteps: Method = {
  name: "fewer-steps",
  searches: false,
  fit({ net, calls }: MethodContext, maxCost: number): Promise<FittedPlan> {
    const call = denseCost(net) / net.steps;
    const steps = counts(net).findLast((k) => calls(k) * call <= maxCost);
    return Promise.resolve(
      steps
        ? { kind: "steps", steps }
        : { kind: "none", note: "one step exceeds the budget" },
    );
  },
};

/** As many evenly spaced model calls as fit; the last prediction is held in between. */
export const uniformReuse: Method = {
  name: "uniform-reuse",
  searches: false,
  fit({ net }: MethodContext, maxCost: number): Promise<FittedPlan> {
    const candidates = counts(net).toReversed().map((k) =>
      wholeStepGates(net, uniformSteps(k, net.steps))
    );
    return Promise.resolve(firstThatFits(net, candidates, maxCost));
  },
};

/** FORA at the smallest interval that fits; what is not gated runs at every step, so there may be none. */
export const fora: Method = {
  name: "fora",
  searches: false,
  fit({ net }: MethodContext, maxCost: number): Promise<FittedPlan> {
    const candidates = counts(net).map((interval) => foraGates(net, interval));
    return Promise.resolve(firstThatFits(net, candidates, maxCost));
  },
};

/** DeepCache at the smallest interval that fits, its key steps chosen by `keysOf`. */
const deepCacheMethod = (
  name: string,
  keysOf: (interval: number, steps: number) => number[],
  cut: DeepCacheCut = {},
): Method => ({
  name,
  searches: false,
  fit({ net }: MethodContext, maxCost: number): Promise<FittedPlan> {
    if (!canDeepCache(net, cut)) {
      const note =
        "its units hold what they add, or are too few; DeepCache holds outputs";
      return Promise.resolve({ kind: "none", note });
    }
    const candidates = counts(net).map((interval) =>
      deepCacheGates(net, keysOf(interval, net.steps), cut)
    );
    return Promise.resolve(firstThatFits(net, candidates, maxCost));
  },
});

/** DeepCache, every N-th step whole. */
export const deepCache = deepCacheMethod("deepcache", uniformKeys);

/** DeepCache with its authors' non-uniform schedule. */
export const deepCacheNonUniform = deepCacheMethod(
  "deepcache-nonuniform",
  nonUniformKeys,
);

/** DeepCache, every N-th step whole, at the cut of its authors' code: the last two branches of a UNet run between. */
export const deepCacheAuthors = deepCacheMethod(
  "deepcache-authors",
  uniformKeys,
  { computed: 2 },
);

/** Random gates of a single draw: the best of several would be a search. */
export const random: Method = {
  name: "random",
  searches: false,
  fit({ net, seed }: MethodContext, maxCost: number): Promise<FittedPlan> {
    const generator = new TorchGenerator(seed);
    const uniform = () => generator.uniform();
    const gates = randomGates(net, { uniform, maxCost });
    return Promise.resolve({ kind: "gates", plan: { gates } });
  },
};
